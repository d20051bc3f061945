//! History of an instance, a type or the system, by keyset: a walk meets each version once.
//! <https://hl7.org/fhir/R4/http.html#history>

use access::Access;
use canonical_model::{ResourceId, ResourceType, Result};
use chrono::{DateTime, Utc};
use sqlx::Row;

use crate::Store;
use crate::error::StoreError;
use crate::rows::{Reach, Stored, stored_for, stored_named_for};

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

impl Store {
    /// One page of versions with their places; also whether its size cut it short.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn history(
        &self,
        access: &Access,
        query: &HistoryQuery,
    ) -> Result<(Vec<(Stored, HistoryKey)>, bool)> {
        match &query.scope {
            HistoryScope::Instance(kind, id) => {
                self.instance_history(access, *kind, id, query).await
            }
            HistoryScope::Types(kinds) => self.types_history(access, kinds, query).await,
        }
    }

    async fn instance_history(
        &self,
        access: &Access,
        kind: ResourceType,
        id: &ResourceId,
        query: &HistoryQuery,
    ) -> Result<(Vec<(Stored, HistoryKey)>, bool)> {
        let Some(owners) = Reach::of(access, kind, self.hasher()).owners() else {
            return Ok((Vec::new(), false));
        };
        let sql = sqlx::query(include_str!("../queries/history_instance.sql"))
            .bind(self.hasher().identity(kind, id.as_str()))
            .bind(id.as_str())
            .bind(owners)
            .bind(query.since)
            .bind(query.at.map(|(from, _)| from))
            .bind(query.at.map(|(_, to)| to))
            .bind(query.after.map(|key| key.version))
            .bind(query.oldest_first)
            .bind(query.limit);
        let (rows, cut) = self.sessions.fetch_page(sql).await?;
        let versions = rows
            .iter()
            .map(|row| {
                let version = stored_for(row, &self.sealer, kind, id.as_str().to_owned())?;
                let key = HistoryKey {
                    last_updated: version.last_updated,
                    rid: 0,
                    version: version.version,
                };
                Ok((version, key))
            })
            .collect::<Result<_>>()?;
        Ok((versions, cut))
    }

    async fn types_history(
        &self,
        access: &Access,
        kinds: &[ResourceType],
        query: &HistoryQuery,
    ) -> Result<(Vec<(Stored, HistoryKey)>, bool)> {
        let (mut types, mut free, mut owners) = (Vec::new(), Vec::new(), Vec::<String>::new());
        for kind in kinds {
            match Reach::of(access, *kind, self.hasher()) {
                Reach::Nothing => continue,
                Reach::Everything => {
                    free.push(true);
                    owners.push("{}".to_owned());
                }
                Reach::Patients(patients) => {
                    free.push(false);
                    let ids: Vec<String> = patients.iter().map(ToString::to_string).collect();
                    owners.push(format!("{{{}}}", ids.join(",")));
                }
            }
            types.push(kind.number());
        }
        let text = if query.oldest_first {
            include_str!("../queries/history_oldest.sql")
        } else {
            include_str!("../queries/history_newest.sql")
        };
        let sql = sqlx::query(text)
            .bind(types)
            .bind(free)
            .bind(query.since)
            .bind(query.at.map(|(from, _)| from))
            .bind(query.at.map(|(_, to)| to))
            .bind(query.after.map(|key| key.last_updated))
            .bind(query.after.map(|key| key.rid))
            .bind(query.after.map(|key| key.version))
            .bind(query.limit)
            .bind(owners);
        let (rows, cut) = self.sessions.fetch_page(sql).await?;
        let versions = rows
            .iter()
            .map(|row| {
                let version = stored_named_for(row, &self.sealer)?;
                let rid = row.try_get("rid").map_err(StoreError)?;
                let key = HistoryKey {
                    last_updated: version.last_updated,
                    rid,
                    version: version.version,
                };
                Ok((version, key))
            })
            .collect::<Result<_>>()?;
        Ok((versions, cut))
    }
}
