//! Transactions: all entries or none. <https://hl7.org/fhir/R4/http.html#transaction>
//!
//! A transaction of creates only is one statement. Any other takes its locks first, in one order
//! for all transactions, so that two that touch the same resources take turns.

mod entry;
mod links;
mod narrative;
mod plan;
mod references;
mod repeat;
mod resolve;

use std::collections::HashMap;

use access::Action;
use canonical_model::{Error, Kind, Resource, ResourceId, ResourceType, Result};
use store::{Applied, SearchTime, Stored, Transaction};

use super::patch::as_told;
use super::written::Written;
use crate::judging::Judging;
use crate::limits::{TRANSACTION_ENTRIES_MAX, TRANSACTION_TRIES_MAX};
use crate::parameters::follow;
use crate::{Domain, Request};

use entry::fault;
pub use entry::{Entry, Existence, Expected, Operation, Target};
use links::Links;
use plan::{Around, Group, Known, Plan, each_once, learn_patched};
use references::References;
use repeat::once;
pub(crate) use repeat::{repeated, replay};
use resolve::{Resolved, resolve};

/// Writes all entries or none; the answers are in the entries' order. Nothing is written either
/// where an entry that reads would find nothing afterwards.
///
/// # Errors
/// The first entry's that fails, naming it; Conflict where other writes were faster each time.
pub async fn transaction(
    domain: &Domain,
    request: &Request,
    entries: &[Entry],
    expected: &[Expected],
) -> Result<Vec<Written>> {
    if entries.len() > TRANSACTION_ENTRIES_MAX {
        return Err(Error::new(
            Kind::TooLarge,
            "A transaction has at most 5000 entries. Split it.",
        ));
    }
    for entry in entries {
        let (kind, action) = (entry.operation.kind(), entry.operation.action());
        domain.decide(request, kind, action).map_err(|error| entry.fault(error))?;
    }
    different_names(entries)?;
    if entries.is_empty() && expected.is_empty() {
        return Ok(Vec::new());
    }
    let mut judging = Judging::default();
    for resource in entries.iter().filter_map(|entry| entry.operation.resource()) {
        judging.learn(domain, request, resource).await?;
    }
    let time = domain.store().search_time();
    let mut last = None;
    for _ in 0..TRANSACTION_TRIES_MAX {
        match attempt(domain, request, entries, expected, &mut judging, &time).await {
            Err(error) if error.kind == Kind::Conflict => last = Some(error),
            Ok(written) => {
                follow(domain, written.iter().filter_map(|one| one.version.as_ref())).await;
                return Ok(written);
            }
            Err(error) => {
                // The first of two such requests may have ended meanwhile: by what it wrote the second one fails.
                let first = repeated(domain, request).await?;
                return first.ok_or(error);
            }
        }
    }
    Err(last.unwrap_or_else(super::update::overtaken))
}

/// A name that two entries have would mean either. <https://hl7.org/fhir/R4/bundle.html#bdl-7>
fn different_names(entries: &[Entry]) -> Result<()> {
    let mut known = HashMap::new();
    for entry in entries {
        if let Some(name) = &entry.full_url
            && let Some(other) = known.insert(name.as_str(), entry.index)
        {
            let text = format!("Entry {other} has this fullUrl too.");
            return Err(entry.fault(Error::invalid(text).at("fullUrl")));
        }
    }
    Ok(())
}

async fn attempt(
    domain: &Domain,
    request: &Request,
    entries: &[Entry],
    expected: &[Expected],
    judging: &mut Judging,
    time: &SearchTime,
) -> Result<Vec<Written>> {
    let by_criteria = references::texts(entries);
    let simple = by_criteria.is_empty()
        && expected.is_empty()
        && entries.iter().all(|entry| matches!(entry.operation, Operation::Create(_, None)));
    if simple {
        let resolved = resolve(domain, request, None, entries).await?;
        let links = Links::new(entries, &resolved);
        let mut plan = Plan::at(domain.now());
        let all: Vec<usize> = (0..entries.len()).collect();
        let group = Group { entries, resolved: &resolved, places: &all };
        let around = Around { links: &links, known: &HashMap::new(), judging };
        plan.add(domain, request, &group, &around)?;
        plan.settle(domain, None).await?;
        return commit_simple(domain, request, plan).await;
    }
    // Before anything is looked at: the first request may have changed what its conditions ask for.
    if let Some(written) = repeated(domain, request).await? {
        return Ok(written);
    }
    let references = References::read(domain, request, entries, by_criteria).await?;
    let mut open = domain.store().begin().await?;
    open.share_search_time(time);
    let outcome = match in_turn(domain, request, entries, references, judging, &mut open).await {
        Ok(written) => match present(domain, request, &mut open, &written, expected).await {
            Ok(()) => Ok(written),
            Err(error) => Err(Stop::Failed(error)),
        },
        Err(stop) => Err(stop),
    };
    match outcome {
        Ok(mut written) => {
            open.commit().await?;
            for (entry, done) in entries.iter().zip(&mut written) {
                if matches!(entry.operation, Operation::Patch(..)) {
                    *done = as_told(domain, request, done.clone()).await?;
                }
            }
            Ok(written)
        }
        Err(Stop::Repeated) => {
            drop(open);
            replay(domain, request).await
        }
        Err(Stop::Failed(error)) => {
            // Rolled back by the drop, should this fail too.
            drop(open.rollback().await);
            Err(error)
        }
    }
}

/// Makes sure, before the commit, that the entries that read will find something.
async fn present(
    domain: &Domain,
    request: &Request,
    open: &mut Transaction,
    written: &[Written],
    expected: &[Expected],
) -> Result<()> {
    for Expected { index, kind, id, what } in expected {
        let access = domain.decide(request, *kind, Action::Read)?;
        let current = open.read(&access, *kind, id).await?;
        let found = match what {
            Existence::Alive | Existence::Ever => current,
            Existence::Version(number) => {
                let mut versions =
                    written.iter().filter_map(|it| it.version.as_ref()).chain(&current);
                let is_it = |it: &&Stored| {
                    it.kind == *kind && it.id == id.as_str() && it.version == *number
                };
                match versions.find(is_it) {
                    Some(version) => Some(version.clone()),
                    None => {
                        let extract = |resource: &Resource| domain.extract(resource);
                        domain.store().vread(&access, *kind, id, *number, &extract).await?
                    }
                }
            }
        };
        let checked = match what {
            Existence::Ever if found.is_some() => continue,
            Existence::Ever | Existence::Alive | Existence::Version(_) => {
                super::read::present(found)
            }
        };
        checked.map_err(|error| fault(*index, error.at("request.url")))?;
    }
    Ok(())
}

/// Why an attempt ended early.
enum Stop {
    Repeated,
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

async fn in_turn(
    domain: &Domain,
    request: &Request,
    entries: &[Entry],
    mut references: References<'_>,
    judging: &mut Judging,
    open: &mut Transaction,
) -> Result<Vec<Written>, Stop> {
    claim(domain, entries, open).await?;
    let resolved = resolve(domain, request, Some(open), entries).await?;
    each_once(entries, &resolved)?;
    lock(domain, entries, &resolved, open).await?;
    let mut known = heads(domain, request, open, entries, &resolved).await?;
    resolve::current(domain, request, open, entries, &resolved, &mut known).await?;
    learn_patched(domain, request, entries, &resolved, &known, judging).await?;
    let newest = known.values().map(|(head, _)| head.last_updated).max();
    let at = newest.map_or_else(|| domain.now(), |newest| domain.now_after(newest));
    let gone = resolve::gone(entries, &resolved);
    let mut links = Links::new(entries, &resolved);
    let mut plan = Plan::at(at);
    let mut waiting: Vec<usize> = (0..entries.len()).collect();
    loop {
        let ready = |place: &usize| references.are_known_of(*place);
        let (places, later): (Vec<usize>, Vec<usize>) = waiting.into_iter().partition(ready);
        let group = Group { entries, resolved: &resolved, places: &places };
        let around = Around { links: &links, known: &known, judging };
        plan.add(domain, request, &group, &around)?;
        plan.settle(domain, Some(&mut *open)).await?;
        plan.read_unchanged(domain, request, open).await?;
        waiting = later;
        if waiting.is_empty() {
            break;
        }
        // The criteria may mean what is written here.
        references.expect(&plan.changes);
        plan.write(request, open).await?;
        let found = references.look(domain, request, open, &gone, &mut links).await?;
        if !found && !references.among(domain, &Group { places: &waiting, ..group }, &mut links)? {
            return Err(references.unfound().into());
        }
    }
    let (changes, at) = (std::mem::take(&mut plan.changes), plan.at);
    references.expect(&changes);
    let written = plan.into_written();
    let once = once(request, &written);
    match open.write(changes, at, &request.context(), &once).await? {
        Applied::Committed => references.confirm(domain, request, open, &gone).await?,
        Applied::KeyRepeated => return Err(Stop::Repeated),
        Applied::Stale | Applied::CriteriaTaken => return Err(super::update::overtaken().into()),
    }
    Ok(written)
}

/// Claims all criteria, so that whoever has the same ones waits.
async fn claim(domain: &Domain, entries: &[Entry], open: &mut Transaction) -> Result<()> {
    let hasher = domain.store().hasher();
    let claims: Vec<i64> = entries
        .iter()
        .filter_map(|entry| entry.operation.criteria())
        .map(|criteria| hasher.criteria(criteria.kind(), &criteria.meaning))
        .collect();
    if claims.is_empty() { Ok(()) } else { open.claim(claims).await }
}

/// Locks every resource that is changed, named by its id or found by criteria, all at once: nobody
/// then waits for one while holding another.
async fn lock(
    domain: &Domain,
    entries: &[Entry],
    resolved: &[Resolved],
    open: &mut Transaction,
) -> Result<()> {
    let hasher = domain.store().hasher();
    let names: Vec<i64> = entries
        .iter()
        .zip(resolved)
        .filter_map(|(entry, resolved)| match resolved {
            Resolved::Target(id, _) => Some(hasher.identity(entry.operation.kind(), id.as_str())),
            Resolved::New(_) | Resolved::Existing(_) | Resolved::Nothing => None,
        })
        .collect();
    if names.is_empty() { Ok(()) } else { open.lock(names).await }
}

async fn heads(
    domain: &Domain,
    request: &Request,
    open: &mut Transaction,
    entries: &[Entry],
    resolved: &[Resolved],
) -> Result<Known> {
    let hasher = domain.store().hasher();
    let mut known = Known::new();
    let mut by_kind: HashMap<(ResourceType, Action), Vec<i64>> = HashMap::new();
    for (entry, resolved) in entries.iter().zip(resolved) {
        if let Resolved::Target(id, _) = resolved {
            let kind = entry.operation.kind();
            by_kind
                .entry((kind, entry.operation.action()))
                .or_default()
                .push(hasher.identity(kind, id.as_str()));
        }
    }
    for ((kind, action), identities) in by_kind {
        let access = domain.decide(request, kind, action)?;
        let heads = open.heads(&access, kind, &identities).await?;
        known.extend(heads.into_iter().map(|head| (head.identity, (head, None))));
    }
    expect_met(entries, resolved, |kind, id| {
        known.get(&hasher.identity(kind, id.as_str())).map(|(head, _)| head.version)
    })?;
    Ok(known)
}

/// Makes sure that criteria still mean what they found: somebody may have changed it before it was locked.
fn expect_met(
    entries: &[Entry],
    resolved: &[Resolved],
    version: impl Fn(ResourceType, &ResourceId) -> Option<i32>,
) -> Result<()> {
    let both = entries.iter().zip(resolved);
    let met = both.into_iter().all(|(entry, resolved)| match resolved {
        Resolved::Target(id, Some(met)) => version(entry.operation.kind(), id) == Some(*met),
        _ => true,
    });
    if met { Ok(()) } else { Err(super::update::overtaken()) }
}

/// Creates only: one statement, one round trip, no locks.
async fn commit_simple(domain: &Domain, request: &Request, mut plan: Plan) -> Result<Vec<Written>> {
    let (changes, at) = (std::mem::take(&mut plan.changes), plan.at);
    let written = plan.into_written();
    let once = once(request, &written);
    match domain.store().commit_new(changes, at, &request.context(), &once).await? {
        Applied::Committed => Ok(written),
        Applied::KeyRepeated => replay(domain, request).await,
        Applied::Stale | Applied::CriteriaTaken => Err(super::update::overtaken()),
    }
}
