//! The one write: versions, index, outbox, audit and idempotency, in one transaction.

use std::time::Instant;

use canonical_model::{Error, Result};
use chrono::{DateTime, Utc};
use search::Hasher;
use sqlx::postgres::PgArguments;
use sqlx::query::QueryScalar;
use sqlx::{PgConnection, Postgres};
use telemetry::Emit;
use telemetry::event::Committed;

use crate::Store;
use crate::change::{Change, Flat, RequestContext, Work};
use crate::error::{StoreError, is_identity_taken, is_repeated_key};
use crate::statement::{Template, statement};

/// What makes a request happen once.
#[derive(Clone, Debug, Default)]
pub struct Once {
    /// Hash of a conditional create's criteria.
    pub criteria: Option<i64>,
    /// The client's `Idempotency-Key`, the request's SHA-256, and the reply as references.
    pub idempotency: Option<(String, Vec<u8>, serde_json::Value)>,
}

impl Once {
    fn is_needed(&self) -> bool {
        self.criteria.is_some() || self.idempotency.is_some()
    }
}

/// How a commit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Everything is durable.
    Committed,
    /// A version was not the one expected, or a new id was taken: nothing was written.
    Stale,
    /// Another conditional create of the same criteria was first: nothing was written.
    CriteriaTaken,
    /// The idempotency key was used before: nothing was written.
    KeyRepeated,
}

impl Store {
    /// Commits one change: alone, or with those of other requests that came at the same time.
    ///
    /// # Errors
    /// Unavailable, StorageFull or Internal; then whether it was written is unknown only if the
    /// connection broke while committing.
    pub async fn commit(
        &self,
        change: Change,
        at: DateTime<Utc>,
        context: &RequestContext,
        once: &Once,
        owners: Option<&[i64]>,
    ) -> Result<Applied> {
        let new = change.expected == 0;
        let work = Work { changes: vec![change], at, context: context.clone() };
        if !once.is_needed() && owners.is_none() {
            return if new { self.inserts.submit(work) } else { self.updates.submit(work) }.await;
        }
        let mut connection = self.pool.acquire().await.map_err(StoreError)?;
        let outcome = if new {
            insert(&mut connection, &self.hasher, vec![work], once).await
        } else {
            let done = update(&mut connection, &self.hasher, vec![work], once, owners).await;
            done.map(|applied| applied.len() == 1)
        };
        settle(outcome, once)
    }

    /// Commits new resources of one request, any number, in one round trip.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn commit_new(
        &self,
        changes: Vec<Change>,
        at: DateTime<Utc>,
        context: &RequestContext,
        once: &Once,
    ) -> Result<Applied> {
        let work = Work { changes, at, context: context.clone() };
        let mut connection = self.pool.acquire().await.map_err(StoreError)?;
        let outcome = insert(&mut connection, &self.hasher, vec![work], once).await;
        settle(outcome, once)
    }
}

/// Turns the constraint that a race ran into into what it means.
pub(crate) fn settle(outcome: Result<bool>, once: &Once) -> Result<Applied> {
    match outcome {
        Ok(true) => Ok(Applied::Committed),
        Ok(false) if once.criteria.is_some() => Ok(Applied::CriteriaTaken),
        Ok(false) => Ok(Applied::Stale),
        Err(error) if is_repeated_key(&error) => Ok(Applied::KeyRepeated),
        Err(error) if is_identity_taken(&error) => Ok(Applied::Stale),
        Err(error) => Err(error),
    }
}

/// Inserts new resources, all or none; `false` where the criteria were taken.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    hasher: &Hasher,
    work: Vec<Work>,
    once: &Once,
) -> Result<bool> {
    let flat = Flat::of(hasher, work);
    let parts = flat.parts(once.is_needed());
    let mut query = bind_common(sqlx::query_scalar(statement(Template::Insert, parts)), &flat);
    if parts.once {
        query = bind_key(query.bind(once.criteria), once);
    }
    let begun = Instant::now();
    let written: i64 = query.fetch_one(connection).await.map_err(StoreError)?;
    Committed { versions: flat.len(), elapsed: begun.elapsed() }.emit();
    Ok(usize::try_from(written).is_ok_and(|written| written == flat.len()))
}

/// Replaces versions where each is the one expected; returns which were, counted from 0.
pub(crate) async fn update(
    connection: &mut PgConnection,
    hasher: &Hasher,
    work: Vec<Work>,
    once: &Once,
    owners: Option<&[i64]>,
) -> Result<Vec<usize>> {
    let flat = Flat::of(hasher, work);
    let parts = flat.parts(once.is_needed());
    let mut query = bind_common(sqlx::query_scalar(statement(Template::Update, parts)), &flat)
        .bind(&flat.expected)
        .bind(owners)
        .bind(&flat.revives);
    if parts.once {
        query = bind_key(query, once);
    }
    let begun = Instant::now();
    let done: Vec<i64> = query.fetch_all(connection).await.map_err(StoreError)?;
    Committed { versions: done.len(), elapsed: begun.elapsed() }.emit();
    done.into_iter().map(|ord| usize::try_from(ord - 1).map_err(Error::internal)).collect()
}

type Statement<'q> = QueryScalar<'q, Postgres, i64, PgArguments>;

/// Binds $1 to $34, the same in both statements.
fn bind_common<'q>(query: Statement<'q>, flat: &'q Flat) -> Statement<'q> {
    query
        .bind(&flat.kinds)
        .bind(&flat.ids)
        .bind(&flat.id_hashes)
        .bind(&flat.digests)
        .bind(&flat.contents)
        .bind(&flat.wires)
        .bind(&flat.methods)
        .bind(&flat.actors)
        .bind(&flat.keys.items)
        .bind(&flat.keys.offsets)
        .bind(&flat.facets.items)
        .bind(&flat.facets.offsets)
        .bind(&flat.string_params)
        .bind(&flat.strings.items)
        .bind(&flat.strings.offsets)
        .bind(&flat.date_params)
        .bind(&flat.date_los)
        .bind(&flat.dates.items)
        .bind(&flat.dates.offsets)
        .bind(&flat.number_params)
        .bind(&flat.number_los)
        .bind(&flat.numbers.items)
        .bind(&flat.numbers.offsets)
        .bind(&flat.timeline_keys)
        .bind(&flat.timeline.items)
        .bind(&flat.timeline.offsets)
        .bind(&flat.patients.items)
        .bind(&flat.patients.offsets)
        .bind(&flat.times)
        .bind(&flat.sites)
        .bind(&flat.clients)
        .bind(&flat.request_ids)
        .bind(&flat.subjects)
        .bind(&flat.token_ids)
}

/// Binds the idempotency key, its request and its reply.
fn bind_key<'q>(query: Statement<'q>, once: &'q Once) -> Statement<'q> {
    match &once.idempotency {
        Some((key, request, reply)) => query.bind(key).bind(request).bind(reply),
        None => query.bind(None::<String>).bind(None::<Vec<u8>>).bind(None::<serde_json::Value>),
    }
}
