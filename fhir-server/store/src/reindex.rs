//! Indexing heads anew, after a change of what is indexed: from the lowest number up, some at a time, each
//! batch with its place in one transaction. So it goes on where it was killed, and several servers that
//! try take turns. Writers go on: what they write has the new form already, and a version that is no longer
//! current when its turn comes is passed over.

use std::sync::atomic::{AtomicI64, Ordering};

use canonical_model::{Error, Resource, Result};
use chrono::{DateTime, Utc};
use search::{INDEX_FORM, IndexEntries};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use crate::change::{Change, Flat, Method, RequestContext, Work};
use crate::commit::index_anew;
use crate::error::{NO_TABLE, StoreError, has_code};
use crate::forward::forwards;
use crate::limits::HEADS_INDEXED_AT_ONCE;
use crate::rows::stored_named;
use crate::{Store, Stored, Transaction};

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

/// The percentage that searches tell of; 100 once all is done.
#[derive(Debug)]
pub(crate) struct Known(AtomicI64);

impl Default for Known {
    fn default() -> Self {
        Self(AtomicI64::new(100))
    }
}

impl Store {
    /// How many percent of the heads are indexed in the newest form, as this server last knew; `None` once
    /// all are.
    #[must_use]
    pub fn indexed_percent(&self) -> Option<i64> {
        let percent = self.indexed.0.load(Ordering::Relaxed);
        (percent < 100).then_some(percent)
    }

    /// Asks how far the index is.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn indexing(&self) -> Result<Option<Indexing>> {
        let query = sqlx::query("select form, reached, last from index_state");
        let row = match self.sessions.fetch_optional(query).await {
            // The schema before has one form only, and no head of this one.
            Err(error) if has_code(&error, NO_TABLE) => return Ok(None),
            row => row?.ok_or_else(|| Error::internal("the index has no state"))?,
        };
        let indexing = state(&row)?;
        self.note(indexing);
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
        match self.sessions.execute(query.bind(INDEX_FORM)).await {
            Err(error) if has_code(&error, NO_TABLE) => Ok(()),
            done => {
                done?;
                self.indexing().await.map(drop)
            }
        }
    }

    fn note(&self, indexing: Option<Indexing>) {
        self.indexed.0.store(indexing.map_or(100, Indexing::percent), Ordering::Relaxed);
    }

    /// Begins anew: every head will be indexed once more.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn forget_index(&self) -> Result<()> {
        let query = sqlx::query("update index_state set form = 0, reached = 0, last = 0");
        self.sessions.execute(query).await.map(drop)
    }

    /// Indexes some more heads; `None` where there is nothing to do, or somebody else is at it.
    ///
    /// # Errors
    /// Unavailable or Internal; then nothing of the batch is done.
    pub async fn index_more(
        &self,
        at: DateTime<Utc>,
        extract: impl Fn(&Resource) -> Result<IndexEntries>,
    ) -> Result<Option<Indexing>> {
        if self.indexing().await?.is_none() {
            return Ok(None);
        }
        let mut open = self.begin().await?;
        let Some(indexing) = claim(open.connection()).await? else {
            open.rollback().await?;
            return Ok(None);
        };
        let heads = heads(&mut open, indexing.reached).await?;
        let reached = heads.last().map(|(rid, _)| *rid);
        anew(&mut open, at, heads, extract).await?;
        let done = place(open.connection(), reached).await?;
        open.commit().await?;
        self.note(done);
        Ok(Some(done.unwrap_or(Indexing { reached: indexing.last, last: indexing.last })))
    }
}

fn state(row: &PgRow) -> Result<Option<Indexing>> {
    let form: i16 = row.try_get("form").map_err(StoreError)?;
    let reached = row.try_get("reached").map_err(StoreError)?;
    let last = row.try_get("last").map_err(StoreError)?;
    Ok((form < INDEX_FORM).then_some(Indexing { reached, last }))
}

/// Takes the index's turn, if nobody has it; notes where it will end.
async fn claim(connection: &mut PgConnection) -> Result<Option<Indexing>> {
    let row = sqlx::query(include_str!("../queries/reindex_claim.sql"))
        .fetch_optional(connection)
        .await
        .map_err(StoreError)?;
    row.as_ref().map_or(Ok(None), state)
}

/// The next heads, with their numbers.
async fn heads(open: &mut Transaction, reached: i64) -> Result<Vec<(i64, Stored)>> {
    let sealer = open.sealer().clone();
    let rows = sqlx::query(include_str!("../queries/reindex_heads.sql"))
        .bind(reached)
        .bind(HEADS_INDEXED_AT_ONCE)
        .fetch_all(open.connection())
        .await
        .map_err(StoreError)?;
    let head =
        |row: &PgRow| Ok((row.try_get("rid").map_err(StoreError)?, stored_named(row, &sealer)?));
    rows.iter().map(head).collect()
}

async fn anew(
    open: &mut Transaction,
    at: DateTime<Utc>,
    heads: Vec<(i64, Stored)>,
    extract: impl Fn(&Resource) -> Result<IndexEntries>,
) -> Result<()> {
    let mut changes = Vec::with_capacity(heads.len());
    for (_, head) in heads {
        let Some(text) = &head.text else { continue };
        match Resource::parse(text).and_then(|resource| extract(&resource)) {
            Ok(entries) => changes.push(Change {
                kind: head.kind,
                id: canonical_model::ResourceId::parse(&head.id)?,
                expected: head.version,
                method: Method::Update,
                revives: false,
                text: String::new(),
                blob: None,
                digest: 0,
                entries,
            }),
            // It keeps the index it has.
            Err(error) => tracing::warn!(kind = %head.kind, %error, "Not indexed anew."),
        }
    }
    let hasher = open.hasher().clone();
    let identity = |change: &Change| hasher.identity(change.kind, change.id.as_str());
    // In the order of all writers, so that none waits in a ring.
    changes.sort_by_cached_key(identity);
    let identities: Vec<i64> = changes.iter().map(identity).collect();
    let before = forwards(open.connection(), &identities, None).await?;
    let flat =
        Flat::of_same(Work { changes, at, context: nobody(), claim: None }, &identities, &before);
    index_anew(open.connection(), &flat).await.map(drop)
}

/// Nothing is written that names who asked.
fn nobody() -> RequestContext {
    RequestContext {
        request_id: String::new(),
        client: String::new(),
        subject: None,
        token_id: String::new(),
        site: 0,
    }
}

/// Notes the place, or the end.
async fn place(connection: &mut PgConnection, reached: Option<i64>) -> Result<Option<Indexing>> {
    let query = match reached {
        Some(reached) => {
            sqlx::query("update index_state set reached = $1 returning form, reached, last")
                .bind(reached)
        }
        None => sqlx::query(
            "update index_state set form = $1, reached = last returning form, reached, last",
        )
        .bind(INDEX_FORM),
    };
    let row = query.fetch_one(connection).await.map_err(StoreError)?;
    state(&row)
}
