//! The one write: versions, index, outbox, audit and idempotency, in one transaction.

use canonical_model::{Error, Result};
use chrono::{DateTime, Utc};
use sqlx::postgres::PgArguments;
use sqlx::query::QueryScalar;
use sqlx::{PgConnection, Postgres};

use crate::Store;
use crate::change::{Change, Flat, Method, RequestContext};
use crate::error::{StoreError, is_identity_taken, is_repeated_key};

/// What makes a request happen once.
#[derive(Clone, Debug, Default)]
pub struct Once {
    /// Hash of a conditional create's criteria.
    pub criteria: Option<i64>,
    /// The client's `Idempotency-Key`, the request's SHA-256, and the reply as references.
    pub idempotency: Option<(String, Vec<u8>, serde_json::Value)>,
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

type Statement<'q> = QueryScalar<'q, Postgres, i64, PgArguments>;

impl Store {
    /// Commits one change in one round trip.
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
        let mut connection = self.pool.acquire().await.map_err(StoreError)?;
        let outcome = if change.method == Method::Create && change.expected == 0 {
            insert(&mut connection, &self.hasher, vec![change], at, context, once).await
        } else {
            update(&mut connection, &self.hasher, vec![change], at, context, once, owners).await
        };
        drop(connection);
        settle(outcome, once)
    }
}

impl Store {
    /// Commits new resources, any number, in one round trip.
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
        let mut connection = self.pool.acquire().await.map_err(StoreError)?;
        let outcome = insert(&mut connection, &self.hasher, changes, at, context, once).await;
        drop(connection);
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

/// Inserts new resources; `false` where the criteria were taken.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    hasher: &search::Hasher,
    changes: Vec<Change>,
    at: DateTime<Utc>,
    context: &RequestContext,
    once: &Once,
) -> Result<bool> {
    let expected = count(&changes)?;
    let flat = flatten(hasher, changes);
    let query = sqlx::query_scalar(include_str!("../queries/commit_insert.sql"));
    let query = bind_common(query, &flat, at, context).bind(once.criteria);
    let query = bind_once(query, once).bind(&flat.patients.items).bind(&flat.patients.offsets);
    let written: i64 = query.fetch_one(connection).await.map_err(StoreError)?;
    Ok(written == expected)
}

/// Replaces versions; `false` where one was not the version expected.
pub(crate) async fn update(
    connection: &mut PgConnection,
    hasher: &search::Hasher,
    changes: Vec<Change>,
    at: DateTime<Utc>,
    context: &RequestContext,
    once: &Once,
    owners: Option<&[i64]>,
) -> Result<bool> {
    let expected = count(&changes)?;
    let flat = flatten(hasher, changes);
    let query = sqlx::query_scalar(include_str!("../queries/commit_update.sql"));
    let query = bind_common(query, &flat, at, context).bind(&flat.expected);
    let query = bind_once(query, once)
        .bind(&flat.patients.items)
        .bind(&flat.patients.offsets)
        .bind(&flat.methods)
        .bind(owners);
    let written: i64 = query.fetch_one(connection).await.map_err(StoreError)?;
    Ok(written == expected)
}

fn count(changes: &[Change]) -> Result<i64> {
    i64::try_from(changes.len()).map_err(Error::internal)
}

fn flatten(hasher: &search::Hasher, changes: Vec<Change>) -> Flat {
    let mut flat = Flat::default();
    for change in changes {
        let id_hash = hasher.identity(change.kind, change.id.as_str());
        flat.push(change, id_hash);
    }
    flat
}

/// Binds $1 to $30, the same in both statements.
fn bind_common<'q>(
    query: Statement<'q>,
    flat: &'q Flat,
    at: DateTime<Utc>,
    context: &'q RequestContext,
) -> Statement<'q> {
    query
        .bind(&flat.kinds)
        .bind(&flat.ids)
        .bind(&flat.id_hashes)
        .bind(at)
        .bind(&flat.digests)
        .bind(&flat.contents)
        .bind(&flat.wires)
        .bind(context.site)
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
        .bind(&context.client)
        .bind(&context.request_id)
        .bind(&context.subject)
        .bind(&context.token_id)
}

/// Binds $32 to $34.
fn bind_once<'q>(query: Statement<'q>, once: &'q Once) -> Statement<'q> {
    match &once.idempotency {
        Some((key, request, reply)) => query.bind(key).bind(request).bind(reply),
        None => query.bind(None::<String>).bind(None::<Vec<u8>>).bind(None::<serde_json::Value>),
    }
}
