//! Indexing heads anew, after a change of what is indexed: from the lowest number up, some at a time, each
//! batch with its place in one transaction. So it goes on where it was killed, and several servers that
//! try take turns. Writers go on: what they write has the new form already, and a version that is no longer
//! current when its turn comes is passed over.

use std::collections::HashSet;

use canonical_model::{Error, Resource, ResourceId, ResourceType, Result};
use chrono::{DateTime, Utc};
use search::{Hasher, INDEX_FORM, IndexEntries};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use crate::change::{Change, Flat, Method, Work};
use crate::commit::index_anew;
use crate::context::RequestContext;
use crate::error::StoreError;
use crate::forward::{Hold, forwards};
use crate::lack::{END_OF_ALL, END_OF_SOME, Lack, Mark};
use crate::limits::{HEADS_INDEXED_AT_ONCE, HEADS_LOOKED_THROUGH};
use crate::rows::stored_named;
use crate::unindexed::{Kept, keep};
use crate::{Sealer, Store, Transaction};

/// How far the index has its newest form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Indexing {
    /// Numbers of heads that have been passed.
    pub reached: i64,
    /// The highest number there was when it began.
    pub last: i64,
}

impl Indexing {
    /// In percent, never 100 before the end.
    #[must_use]
    pub fn percent(self) -> i64 {
        (self.reached.saturating_mul(100) / self.last.max(1)).clamp(0, 99)
    }
}

impl Store {
    /// Asks how far the index is; `None` where there is nothing to do.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn indexing(&self) -> Result<Option<Indexing>> {
        if let Some(state) = self.index_state().await? {
            return Ok(state.work());
        }
        let query = sqlx::query("select form, reached, last from index_state");
        let row = self.sessions.fetch_optional(query).await?;
        let row = row.ok_or_else(|| Error::internal("the index has no state"))?;
        let form: i16 = row.try_get("form").map_err(StoreError)?;
        let indexing = (form < INDEX_FORM).then_some(place_of(&row)?);
        let lack = indexing.map(|indexing| Lack::Building(indexing.percent()));
        self.note(Mark { lack, ..Mark::default() });
        Ok(indexing)
    }

    /// Looks how far the index is; a database that holds nothing yet has the newest form. One that is
    /// whole in the form before begins at the lowest number.
    pub(crate) async fn look_at_index(&self) -> Result<()> {
        let query = sqlx::query(
            "update index_state i set reached = 0, last = 0,
                 form = case when s.some then i.form else $1 end
             from (select exists (select from resource) as some) s
             where i.form < $1 and (i.reached = i.last or not s.some)",
        );
        self.sessions.execute(query.bind(INDEX_FORM)).await?;
        self.indexing().await.map(drop)
    }

    /// Begins anew: every head will be indexed once more.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn forget_index(&self) -> Result<()> {
        // No older form than there is: a server of the release before would take that for its work.
        let query =
            sqlx::query("update index_state set form = least(form, $1), reached = 0, last = 0");
        self.sessions.execute(query.bind(INDEX_FORM - 1)).await.map(drop)
    }

    /// Indexes some more heads by the goal; `None` where there is nothing to do, somebody else is at it, or
    /// another goal stands.
    ///
    /// # Errors
    /// Unavailable or Internal; then nothing of the batch is done.
    pub async fn index_more(
        &self,
        at: DateTime<Utc>,
        goal: i64,
        extract: impl Fn(&Resource) -> Result<IndexEntries>,
    ) -> Result<Option<Indexing>> {
        let Some(state) = self.index_state().await? else { return Ok(None) };
        if state.goal != goal || state.work().is_none() {
            return Ok(None);
        }
        let mut open = self.begin().await?;
        let Some(turn) = claim(open.connection()).await?.filter(|turn| turn.goal == goal) else {
            open.rollback().await?;
            return Ok(None);
        };
        if state.is_walking() {
            walk(&mut open, at, &turn, extract).await?;
        } else {
            again(&mut open, at, extract).await?;
        }
        open.commit().await?;
        Ok(Some(self.indexing().await?.unwrap_or(Indexing { reached: turn.last, last: turn.last })))
    }
}

/// The turn to index.
struct Turn {
    goal: i64,
    reached: i64,
    last: i64,
    /// Those whose heads are walked; `None` is all.
    types: Option<Vec<i16>>,
}

fn place_of(row: &PgRow) -> Result<Indexing> {
    let reached = row.try_get("reached").map_err(StoreError)?;
    Ok(Indexing { reached, last: row.try_get("last").map_err(StoreError)? })
}

/// Takes the index's turn, if nobody has it; notes where it will end.
async fn claim(connection: &mut PgConnection) -> Result<Option<Turn>> {
    let row = sqlx::query(include_str!("../queries/reindex_claim.sql"))
        .fetch_optional(connection)
        .await
        .map_err(StoreError)?;
    let Some(row) = row else { return Ok(None) };
    let Indexing { reached, last } = place_of(&row)?;
    let form: i16 = row.try_get("form").map_err(StoreError)?;
    let types = row.try_get("types").map_err(StoreError)?;
    let types = (form == INDEX_FORM).then_some(types);
    let goal = row.try_get("goal").map_err(StoreError)?;
    Ok(Some(Turn { goal, reached, last, types }))
}

/// Indexes the next heads by their numbers.
async fn walk(
    open: &mut Transaction,
    at: DateTime<Utc>,
    turn: &Turn,
    extract: impl Fn(&Resource) -> Result<IndexEntries>,
) -> Result<()> {
    let end = match turn.types {
        None => i64::MAX,
        Some(_) => turn.reached.saturating_add(HEADS_LOOKED_THROUGH),
    };
    let query = sqlx::query(include_str!("../queries/reindex_heads.sql"))
        .bind(turn.reached)
        .bind(end)
        .bind(turn.types.as_deref())
        .bind(HEADS_INDEXED_AT_ONCE);
    let rows = query.fetch_all(open.connection()).await.map_err(StoreError)?;
    let full = i64::try_from(rows.len()).is_ok_and(|count| count == HEADS_INDEXED_AT_ONCE);
    let last: Option<i64> =
        rows.last().map(|row| row.try_get("rid").map_err(StoreError)).transpose()?;
    let reached = match last {
        Some(last) if full || turn.types.is_none() => Some(last),
        _ => Some(end).filter(|end| *end < turn.last),
    };
    anew(open, at, &rows, extract).await?;
    let end = if turn.types.is_none() { END_OF_ALL } else { END_OF_SOME };
    place(open.connection(), reached, end).await
}

/// Indexes heads that were written by another goal.
async fn again(
    open: &mut Transaction,
    at: DateTime<Utc>,
    extract: impl Fn(&Resource) -> Result<IndexEntries>,
) -> Result<()> {
    let query = sqlx::query(include_str!("../queries/reindex_due.sql")).bind(HEADS_INDEXED_AT_ONCE);
    let rows = query.fetch_all(open.connection()).await.map_err(StoreError)?;
    let due: Vec<i64> = rows
        .iter()
        .map(|row| Ok(row.try_get("due").map_err(StoreError)?))
        .collect::<Result<_>>()?;
    anew(open, at, &rows, extract).await?;
    let query = sqlx::query("delete from index_due where due = any ($1)").bind(due);
    query.execute(open.connection()).await.map_err(StoreError)?;
    let query = sqlx::query("update index_state set ended = ended + $1").bind(END_OF_ALL);
    query.execute(open.connection()).await.map_err(StoreError)?;
    Ok(())
}

/// Indexes heads anew, each once. One that cannot be is no fault of the others.
async fn anew(
    open: &mut Transaction,
    at: DateTime<Utc>,
    rows: &[PgRow],
    extract: impl Fn(&Resource) -> Result<IndexEntries>,
) -> Result<()> {
    let (mut changes, mut kept) = (Vec::with_capacity(rows.len()), Vec::new());
    let hasher = open.hasher().clone();
    let mut known = HashSet::new();
    for row in rows {
        let head = name(row, &hasher)?;
        if !known.insert(head.rid) {
            continue;
        }
        match change(row, open.sealer(), &extract) {
            Ok(change) => changes.extend(change),
            Err(error) => {
                tracing::warn!(kind = %head.kind, %error, "Not indexed anew: it keeps the index it has.");
                kept.push(head);
            }
        }
    }
    let identity = |change: &Change| hasher.identity(change.kind, change.id.as_str());
    let identities: Vec<i64> = changes.iter().map(identity).collect();
    // All at once and in the order of all writers, so that none waits in a ring.
    let mut all = identities.clone();
    all.extend(kept.iter().map(|head| head.identity));
    all.sort_unstable();
    let before = forwards(open.connection(), &all, Hold::LOCKED).await?;
    keep(open.connection(), &hasher, &kept).await?;
    let flat = Flat::of_same(
        Work { changes, at, context: RequestContext::internal(), claim: None },
        &identities,
        &before,
    );
    index_anew(open.connection(), &flat).await.map(drop)
}

fn name(row: &PgRow, hasher: &Hasher) -> Result<Kept> {
    let number: i16 = row.try_get("type").map_err(StoreError)?;
    let kind = ResourceType::from_number(number);
    let kind = kind.ok_or_else(|| Error::internal("a stored resource has an unknown type"))?;
    Ok(Kept {
        identity: hasher.identity(kind, row.try_get("id").map_err(StoreError)?),
        rid: row.try_get("rid").map_err(StoreError)?,
        version: row.try_get("version").map_err(StoreError)?,
        kind,
    })
}

/// The same version with other entries; `None` for one that is deleted.
fn change(
    row: &PgRow,
    sealer: &Sealer,
    extract: impl Fn(&Resource) -> Result<IndexEntries>,
) -> Result<Option<Change>> {
    let head = stored_named(row, sealer)?;
    let Some(text) = &head.text else { return Ok(None) };
    let entries = extract(&Resource::parse(text)?)?;
    Ok(Some(Change {
        kind: head.kind,
        id: ResourceId::parse(&head.id)?,
        expected: head.version,
        method: Method::Update,
        revives: false,
        text: String::new(),
        blob: None,
        digest: 0,
        entries,
    }))
}

/// Notes the place, or an end of this kind.
async fn place(connection: &mut PgConnection, reached: Option<i64>, end: i64) -> Result<()> {
    let Some(reached) = reached else {
        let query = sqlx::query("update index_param set built = true where not built");
        query.execute(&mut *connection).await.map_err(StoreError)?;
        let query = sqlx::query(
            "update index_state set form = $1, reached = last, types = '{}', ended = ended + $2",
        );
        query.bind(INDEX_FORM).bind(end).execute(connection).await.map_err(StoreError)?;
        return Ok(());
    };
    let query = sqlx::query("update index_state set reached = $1").bind(reached);
    query.execute(connection).await.map_err(StoreError)?;
    Ok(())
}
