//! The one write: versions, index, outbox, audit and idempotency, in one transaction.

use std::collections::HashSet;
use std::time::Instant;

use access::Access;
use canonical_model::Result;
use chrono::{DateTime, Utc};
use sqlx::postgres::{PgArguments, PgBindIterExt};
use sqlx::query::QueryScalar;
use sqlx::{PgConnection, Postgres};
use telemetry::Emit;
use telemetry::event::Committed;

use crate::Store;
use crate::blob::has_blobs;
use crate::change::{Change, Flat, Work};
use crate::context::RequestContext;
use crate::error::{CRITERIA_TAKEN, IDENTITY_TAKEN, REPEATED_KEY, StoreError};
use crate::forward::{Hold, forwards};
use crate::ground::Ground;
use crate::index_rows::IndexRows;
use crate::limits::READINGS_OF_HEADS_MAX;
use crate::reach::Reach;
use crate::statement::{Part, Parts, Template, statement};

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

impl Store {
    /// Commits one change: alone, or with those of other requests that came at the same time. The version that it
    /// replaces, if it replaces one, must be within the access; without one it may be any.
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
        access: Option<&Access>,
    ) -> Result<Applied> {
        self.ground.reserve.admit()?;
        let reach = access.map(|access| Reach::of(access, change.kind, self.hasher()));
        let reach = reach.as_ref().filter(|reach| !matches!(reach, Reach::Everything));
        let new = change.expected == 0;
        let work =
            Work { changes: vec![change], at, context: context.clone(), claim: once.criteria };
        if has_blobs(&work.changes) {
            return self.commit_with_blobs(work, once, reach).await;
        }
        if once.idempotency.is_none() && reach.is_none() {
            return if new { self.inserts.submit(work) } else { self.updates.submit(work) }.await;
        }
        let mut session = self.sessions.take().await?;
        let outcome = if new {
            insert(&mut session, &self.ground, vec![work], once).await
        } else {
            let hold = Hold { reach, locked: false };
            let done = update(&mut session, &self.ground, &[work], once, hold).await;
            done.map(|applied| applied.len() == 1)
        };
        self.ground.reserve.watch(settle(session.settle(outcome))).await
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
        self.ground.reserve.admit()?;
        let work = Work { changes, at, context: context.clone(), claim: once.criteria };
        if has_blobs(&work.changes) {
            return self.commit_with_blobs(work, once, None).await;
        }
        let _turn = self.ground.turn().await?;
        let mut session = self.sessions.take().await?;
        let outcome = insert(&mut session, &self.ground, vec![work], once).await;
        self.ground.reserve.watch(settle(session.settle(outcome))).await
    }
}

/// Turns the constraint that a race ran into into what it means.
pub(crate) fn settle(outcome: Result<bool>) -> Result<Applied> {
    match outcome {
        Ok(true) => Ok(Applied::Committed),
        Ok(false) => Ok(Applied::Stale),
        Err(error) => match error.issues.first().map(|issue| issue.diagnostics.as_str()) {
            Some(CRITERIA_TAKEN) => Ok(Applied::CriteriaTaken),
            Some(REPEATED_KEY) => Ok(Applied::KeyRepeated),
            Some(IDENTITY_TAKEN) => Ok(Applied::Stale),
            _ => Err(error),
        },
    }
}

/// Inserts new resources, all or none.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    ground: &Ground,
    work: Vec<Work>,
    once: &Once,
) -> Result<bool> {
    let count = work.iter().map(|work| work.changes.len()).sum();
    let rids = ground.numbers.take(connection, count).await?;
    let flat = Flat::of_new(&ground.hasher, work, &rids);
    let parts = flat.parts(once).with(Part::Due, flat.goal.is_some());
    let parts = parts.with(Part::Record, ground.has_record());
    let query = bind_common(sqlx::query_scalar(statement(Template::Insert, parts)), &flat);
    let query = bind_rows(query.bind(&flat.rids), &flat.added).bind(&flat.claims).bind(flat.goal);
    let query = bind_record(query, &flat.contexts).bind(flat.rules.text());
    let query = if parts.has(Part::Key) { bind_key(query, once) } else { query };
    let begun = Instant::now();
    let written: i64 = query.fetch_one(connection).await.map_err(StoreError)?;
    Committed { versions: flat.len(), elapsed: begun.elapsed() }.emit();
    Ok(usize::try_from(written).is_ok_and(|written| written == flat.len()))
}

/// Replaces versions where each is the one expected; returns which were, counted from 0.
///
/// The difference of the index is made from what was read of the head. Where that was changed before the
/// statement came to it, the change is not applied, and is tried once more by what the head is then: it may
/// have another version, which ends it, or was only indexed anew.
pub(crate) async fn update(
    connection: &mut PgConnection,
    ground: &Ground,
    work: &[Work],
    once: &Once,
    hold: Hold<'_>,
) -> Result<Vec<usize>> {
    let (done, outcome) = update_some(connection, ground, work, once, hold).await;
    outcome.map(|()| done)
}

/// As [`update`]; also which were replaced before something failed. Outside of a transaction they stay so.
pub(crate) async fn update_some(
    connection: &mut PgConnection,
    ground: &Ground,
    work: &[Work],
    once: &Once,
    hold: Hold<'_>,
) -> (Vec<usize>, Result<()>) {
    let changes = work.iter().flat_map(|work| &work.changes);
    let identities: Vec<i64> =
        changes.map(|change| ground.hasher.identity(change.kind, change.id.as_str())).collect();
    let (mut left, mut done) = (identities.clone(), Vec::new());
    for _ in 0..READINGS_OF_HEADS_MAX {
        let heads = match forwards(connection, &left, hold).await {
            Ok(heads) => heads,
            Err(error) => return (done, Err(error)),
        };
        let (flat, places) = Flat::of_next(work, &identities, &heads);
        if places.is_empty() {
            break;
        }
        let replaced = match replace(connection, ground, &flat, once).await {
            Ok(replaced) => replaced,
            Err(error) => return (done, Err(error)),
        };
        let (won, lost): (Vec<_>, Vec<_>) =
            (1..).zip(places).partition(|(ord, _)| replaced.contains(ord));
        done.extend(won.into_iter().map(|(_, place)| place));
        let identity = |(_, place): (i64, usize)| identities.get(place).copied();
        left = lost.into_iter().filter_map(identity).collect();
        // A key is written by the first statement, whatever it replaced.
        if left.is_empty() || once.idempotency.is_some() {
            break;
        }
    }
    (done, Ok(()))
}

/// Returns which were replaced, counted from 1.
async fn replace(
    connection: &mut PgConnection,
    ground: &Ground,
    flat: &Flat,
    once: &Once,
) -> Result<HashSet<i64>> {
    let parts = flat.parts(once).with(Part::Version, true);
    let parts = parts.with(Part::Due, flat.goal.is_some());
    let parts = parts.with(Part::Record, ground.has_record());
    let query = bind_update(flat, parts);
    let query = if parts.has(Part::Key) { bind_key(query, once) } else { query };
    let begun = Instant::now();
    let done: Vec<i64> = query.fetch_all(connection).await.map_err(StoreError)?;
    Committed { versions: done.len(), elapsed: begun.elapsed() }.emit();
    Ok(done.into_iter().collect())
}

/// Indexes the same versions anew; returns how many of them were still current.
pub(crate) async fn index_anew(connection: &mut PgConnection, flat: &Flat) -> Result<usize> {
    let query = bind_update(flat, flat.parts(&Once::default()));
    Ok(query.fetch_all(connection).await.map_err(StoreError)?.len())
}

fn bind_update(flat: &Flat, parts: Parts) -> Statement<'_> {
    let query = bind_common(sqlx::query_scalar(statement(Template::Update, parts)), flat);
    let query = bind_rows(query.bind(&flat.rids), &flat.added);
    let query = query.bind(&flat.expected).bind(&flat.revives);
    let query = bind_rows(query, &flat.gone).bind(flat.goal).bind(&flat.xmins);
    bind_record(query, &flat.contexts).bind(flat.rules.text())
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
        .bind(flat.contexts.iter().map(|context| context.caller.site).bind_iter())
        .bind(flat.contexts.iter().map(RequestContext::client).bind_iter())
        .bind(flat.contexts.iter().map(|context| &*context.request_id).bind_iter())
        .bind(flat.contexts.iter().map(RequestContext::subject).bind_iter())
        .bind(flat.contexts.iter().map(RequestContext::token_id).bind_iter())
}

/// Binds the next 4: what the record says of each actor beyond that.
fn bind_record<'q>(query: Statement<'q>, contexts: &'q [RequestContext]) -> Statement<'q> {
    query
        .bind(contexts.iter().map(|context| context.interaction as i16).bind_iter())
        .bind(contexts.iter().map(RequestContext::person).bind_iter())
        .bind(contexts.iter().map(RequestContext::inet).bind_iter())
        .bind(contexts.iter().map(RequestContext::purpose).bind_iter())
}

/// Binds the next 17: the columns of each table's rows.
fn bind_rows<'q>(query: Statement<'q>, rows: &'q IndexRows) -> Statement<'q> {
    let strings: Vec<&str> = rows.strings.iter().map(|row| row.1.as_str()).collect();
    query
        .bind(column(&rows.tokens, |row| row.0))
        .bind(column(&rows.tokens, |row| row.1))
        .bind(column(&rows.strings, |row| row.0))
        .bind(column(&rows.strings, |row| row.2))
        .bind(strings)
        .bind(column(&rows.dates, |row| row.0))
        .bind(column(&rows.dates, |row| row.1))
        .bind(column(&rows.dates, |row| row.2))
        .bind(column(&rows.dates, |row| row.3))
        .bind(column(&rows.numbers, |row| row.0))
        .bind(column(&rows.numbers, |row| row.1))
        .bind(column(&rows.numbers, |row| row.2))
        .bind(column(&rows.numbers, |row| row.3))
        .bind(column(&rows.timelines, |row| row.0))
        .bind(column(&rows.timelines, |row| row.1))
        .bind(column(&rows.timelines, |row| row.2))
        .bind(column(&rows.timelines, |row| row.3))
}

fn column<R, T>(rows: &[R], pick: fn(&R) -> T) -> Vec<T> {
    rows.iter().map(pick).collect()
}

/// Binds the idempotency key, its request and its reply.
fn bind_key<'q>(query: Statement<'q>, once: &'q Once) -> Statement<'q> {
    match &once.idempotency {
        Some((key, request, reply)) => query.bind(key).bind(request).bind(reply),
        None => query.bind(None::<String>).bind(None::<Vec<u8>>).bind(None::<serde_json::Value>),
    }
}
