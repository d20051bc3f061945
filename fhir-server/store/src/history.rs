//! History of an instance, a type or the system, by keyset: a walk meets each version once.
//! <https://hl7.org/fhir/R4/http.html#history>

use access::Access;
use canonical_model::{ResourceId, ResourceType, Result};
use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::postgres::{PgArguments, PgRow};

use crate::Store;
use crate::error::StoreError;
use crate::limits::{PAGE_BYTES_MAX, VERSIONS_JUDGED_AT_ONCE, VERSIONS_JUDGED_MAX};
use crate::query::{Sql, bind, prepared, push_reach, with_room, within};
use crate::reach::{Extract, Reach};
use crate::rows::{Stored, stored_for, stored_named_for};

/// Whose history.
#[derive(Clone, Debug)]
pub enum HistoryScope {
    /// One resource's.
    Instance(ResourceType, ResourceId),
    /// All resources' of these types: one for a type, all for the system.
    Types(Vec<ResourceType>),
}

/// Which versions, and where the walk stands.
#[derive(Clone, Debug)]
pub struct HistoryQuery {
    /// Whose.
    pub scope: HistoryScope,
    /// `_since`: committed at or after.
    pub since: Option<DateTime<Utc>>,
    /// `_at`: current at some moment of this interval, the end exclusive.
    pub at: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// `_sort=_lastUpdated`; else newest first.
    pub oldest_first: bool,
    /// Behind which version the page begins.
    pub after: Option<HistoryKey>,
    /// Versions wanted.
    pub limit: i64,
}

/// A version's place in the order of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryKey {
    /// When it was committed.
    pub last_updated: DateTime<Utc>,
    /// The resource.
    pub rid: i64,
    /// The version.
    pub version: i32,
}

/// One page of versions.
#[derive(Clone, Debug, Default)]
pub struct HistoryRead {
    /// The versions with their places.
    pub versions: Vec<(Stored, HistoryKey)>,
    /// Behind which place the rest is, where the page ends before there are as many as were asked for: they are large,
    /// or many had to be judged by their content.
    pub cut: Option<HistoryKey>,
}

/// How far the access reaches in each type that is asked for.
type Reaches = Vec<(ResourceType, Reach)>;

/// A version, its place, and whether the head has decided that it is within reach.
type Candidate = (Stored, HistoryKey, bool);

impl Store {
    /// One page of versions. What a condition demands of superseded ones is decided on what `extract` finds in their
    /// content, of no more than [`VERSIONS_JUDGED_MAX`] for a page.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn history(
        &self,
        access: &Access,
        query: &HistoryQuery,
        extract: Extract<'_>,
    ) -> Result<HistoryRead> {
        let kinds = match &query.scope {
            HistoryScope::Instance(kind, _) => std::slice::from_ref(kind),
            HistoryScope::Types(kinds) => kinds.as_slice(),
        };
        let reach = |kind: &ResourceType| (*kind, Reach::of(access, *kind, self.hasher()));
        let reaches: Reaches = kinds.iter().map(reach).collect();
        if reaches.iter().any(|(_, reach)| reach.ways().is_some()) {
            return self.judged(&reaches, query.clone(), extract).await;
        }
        let (found, cut) = self.candidates(&reaches, query).await?;
        let versions: Vec<_> = found.into_iter().map(|(stored, key, _)| (stored, key)).collect();
        let cut = versions.last().filter(|_| cut).map(|(_, key)| *key);
        Ok(HistoryRead { versions, cut })
    }

    /// A page where conditions decide: candidates are taken until enough are within reach.
    async fn judged(
        &self,
        reaches: &Reaches,
        mut query: HistoryQuery,
        extract: Extract<'_>,
    ) -> Result<HistoryRead> {
        let wanted = usize::try_from(query.limit).unwrap_or(0);
        let (mut page, mut seen, mut bytes) = (HistoryRead::default(), 0, 0);
        query.limit = VERSIONS_JUDGED_AT_ONCE;
        loop {
            let (found, cut) = self.candidates(reaches, &query).await?;
            let count = i64::try_from(found.len()).unwrap_or(i64::MAX);
            seen += count;
            let within = self.within(reaches, &found, extract).await?;
            for ((stored, key, _), within) in found.into_iter().zip(within) {
                query.after = Some(key);
                if within {
                    bytes += stored.text.as_ref().map_or(0, bytes::Bytes::len);
                    page.versions.push((stored, key));
                }
                if page.versions.len() == wanted {
                    return Ok(page);
                }
            }
            if !cut && count < query.limit {
                return Ok(page);
            }
            if cut || bytes > PAGE_BYTES_MAX || seen >= VERSIONS_JUDGED_MAX {
                page.cut = query.after;
                return Ok(page);
            }
        }
    }

    /// Which of them are within reach: what the head has not decided, their content does.
    async fn within(
        &self,
        reaches: &Reaches,
        found: &[Candidate],
        extract: Extract<'_>,
    ) -> Result<Vec<bool>> {
        let mut all: Vec<bool> = found.iter().map(|(.., current)| *current).collect();
        for (kind, reach) in reaches {
            let of_kind =
                |(_, (stored, _, current)): &(usize, &Candidate)| !current && stored.kind == *kind;
            let (places, versions): (Vec<usize>, Vec<&Stored>) = found
                .iter()
                .enumerate()
                .filter(of_kind)
                .map(|(at, (stored, ..))| (at, stored))
                .unzip();
            if versions.is_empty() {
                continue;
            }
            for (at, within) in places.into_iter().zip(self.judge(reach, &versions, extract).await?)
            {
                if let Some(place) = all.get_mut(at) {
                    *place = within;
                }
            }
        }
        Ok(all)
    }

    /// Versions within the bounds of the reaches; also whether their size cut them short.
    async fn candidates(
        &self,
        reaches: &Reaches,
        query: &HistoryQuery,
    ) -> Result<(Vec<Candidate>, bool)> {
        match &query.scope {
            HistoryScope::Instance(kind, id) => {
                let reach = reaches.first().map_or(&Reach::Nothing, |(_, reach)| reach);
                self.of_instance(reach, *kind, id, query).await
            }
            HistoryScope::Types(_) => self.of_types(reaches, query).await,
        }
    }

    async fn of_instance(
        &self,
        reach: &Reach,
        kind: ResourceType,
        id: &ResourceId,
        query: &HistoryQuery,
    ) -> Result<(Vec<Candidate>, bool)> {
        let Some(owners) = reach.owners() else { return Ok((Vec::new(), false)) };
        let mut arguments = PgArguments::default();
        bind(&mut arguments, self.hasher().identity(kind, id.as_str()))?;
        bind(&mut arguments, id.as_str())?;
        bind(&mut arguments, owners)?;
        bind(&mut arguments, query.since)?;
        bind(&mut arguments, query.at.map(|(from, _)| from))?;
        bind(&mut arguments, query.at.map(|(_, to)| to))?;
        bind(&mut arguments, query.after.map(|key| key.version))?;
        bind(&mut arguments, query.oldest_first)?;
        bind(&mut arguments, query.limit)?;
        let mut sql = within(include_str!("../queries/history_instance.sql"), arguments, reach)?;
        let (rows, cut) = self.sessions.fetch_page(prepared(&mut sql)).await?;
        let of = |row| {
            candidate(row, stored_for(row, &self.sealer, kind, id.as_str().to_owned())?, |_| Ok(0))
        };
        Ok((rows.iter().map(of).collect::<Result<_>>()?, cut))
    }

    async fn of_types(
        &self,
        reaches: &Reaches,
        query: &HistoryQuery,
    ) -> Result<(Vec<Candidate>, bool)> {
        let (mut types, mut free, mut owners) = (Vec::new(), Vec::new(), Vec::<String>::new());
        for (kind, reach) in reaches {
            let Some(bounds) = reach.owners() else { continue };
            types.push(kind.number());
            free.push(bounds.is_none());
            let ids: Vec<_> = bounds.iter().flatten().map(ToString::to_string).collect();
            owners.push(format!("{{{}}}", ids.join(",")));
        }
        let text = if query.oldest_first {
            include_str!("../queries/history_oldest.sql")
        } else {
            include_str!("../queries/history_newest.sql")
        };
        let mut arguments = PgArguments::default();
        bind(&mut arguments, types)?;
        bind(&mut arguments, free)?;
        bind(&mut arguments, query.since)?;
        bind(&mut arguments, query.at.map(|(from, _)| from))?;
        bind(&mut arguments, query.at.map(|(_, to)| to))?;
        bind(&mut arguments, query.after.map(|key| key.last_updated))?;
        bind(&mut arguments, query.after.map(|key| key.rid))?;
        bind(&mut arguments, query.after.map(|key| key.version))?;
        bind(&mut arguments, query.limit)?;
        bind(&mut arguments, owners)?;
        let mut sql = with_room(text, arguments, |sql| push_each(sql, reaches))?;
        let (rows, cut) = self.sessions.fetch_page(prepared(&mut sql)).await?;
        let of = |row| {
            let rid = |row: &PgRow| Ok(row.try_get("rid").map_err(StoreError)?);
            candidate(row, stored_named_for(row, &self.sealer)?, rid)
        };
        Ok((rows.iter().map(of).collect::<Result<_>>()?, cut))
    }
}

/// Pushes what conditions demand of heads `r`, of each type what they demand of it.
fn push_each(sql: &mut Sql, reaches: &Reaches) {
    for (kind, reach) in reaches.iter().filter(|(_, reach)| reach.ways().is_some()) {
        sql.push(" and (r.type <> ").push_bind(kind.number()).push(" or true");
        push_reach(sql, "r", reach);
        sql.push(")");
    }
}

fn candidate(
    row: &PgRow,
    stored: Stored,
    rid: impl Fn(&PgRow) -> Result<i64>,
) -> Result<Candidate> {
    let (last_updated, version) = (stored.last_updated, stored.version);
    let key = HistoryKey { last_updated, rid: rid(row)?, version };
    Ok((stored, key, row.try_get("current").map_err(StoreError)?))
}
