//! What a transaction writes: each entry's step, those that can be taken together in one statement.

use std::collections::HashMap;

use access::{Access, Action};
use canonical_model::{Error, Issue, Resource, ResourceId, ResourceType, Result};
use chrono::{DateTime, Utc};
use store::{Applied, Change, Head, Method, Once, Stored, Transaction};

use super::entry::fault;
use super::links::Links;
use super::resolve::Resolved;
use super::{Entry, Operation};
use crate::admission::Together;
use crate::interactions::patch::apply;
use crate::interactions::read;
use crate::interactions::update::{may_create, overtaken, place, stale};
use crate::interactions::written::{Effect, Written};
use crate::judging::Judging;
use crate::prepare::{Parts, Place, Prepared, Unsure, content, shared, tombstone};
use crate::{Domain, Request};

/// Everything that will be written, and the answers, each with its place.
pub(super) struct Plan {
    pub(super) changes: Vec<Change>,
    written: Vec<(usize, Written)>,
    /// Updates that change nothing: which answer, and of what.
    unchanged: Vec<(usize, ResourceType, ResourceId)>,
    /// What may be written if there is a relationship: which entry.
    unsure: Vec<(usize, Unsure)>,
    /// Why all of it is to be kept aside.
    kept: Option<Error>,
    together: Together,
    pub(super) at: DateTime<Utc>,
}

/// Entries that are written together: those at these places.
#[derive(Clone, Copy)]
pub(super) struct Group<'a> {
    pub(super) entries: &'a [Entry],
    pub(super) resolved: &'a [Resolved],
    pub(super) places: &'a [usize],
}

/// What entries are written by.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) links: &'a Links,
    pub(super) known: &'a Known,
    pub(super) judging: &'a Judging,
}

impl<'a> Group<'a> {
    /// Each of them, with its place and what it is about.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &'a Entry, &'a Resolved)> {
        let (entries, resolved) = (self.entries, self.resolved);
        let of = move |place: &usize| Some((*place, entries.get(*place)?, resolved.get(*place)?));
        self.places.iter().filter_map(of)
    }
}

impl Plan {
    pub(super) fn at(at: DateTime<Utc>) -> Self {
        let (changes, written) = (Vec::new(), Vec::new());
        let (unchanged, unsure) = (Vec::new(), Vec::new());
        let (kept, together) = (None, Together::default());
        Self { changes, written, unchanged, unsure, kept, together, at }
    }

    /// Adds what a group of entries writes.
    pub(super) fn add(
        &mut self,
        domain: &Domain,
        request: &Request,
        group: &Group<'_>,
        around: &Around<'_>,
    ) -> Result<()> {
        for (place, entry, resolved) in group.iter() {
            let step = step(domain, request, entry, resolved, around, self.at)
                .map_err(|error| entry.fault(error))?;
            let written = match step {
                Step::Write(prepared, effect) => {
                    let Parts { change, version, asking, unsure, said, kept } =
                        prepared.into_parts();
                    self.unsure.extend(unsure.map(|unsure| (entry.index, unsure)));
                    let kept = kept.map(|error| entry.fault(error));
                    self.kept = self.kept.take().or(kept);
                    if let Some(asking) = asking {
                        self.together.add(domain, asking).map_err(|error| entry.fault(error))?;
                    }
                    self.changes.push(change);
                    Written::committed(effect, version).saying(said)
                }
                Step::Unchanged(kind, id, said) => {
                    self.unchanged.push((self.written.len(), kind, id));
                    Written::found(Effect::Unchanged, None).saying(said)
                }
                Step::Nothing(written) => written,
            };
            self.written.push((place, written));
        }
        Ok(())
    }

    /// Makes sure of relationships that must be there already: what the transaction itself writes makes none. What is to
    /// be kept aside ends here.
    pub(super) async fn settle(
        &mut self,
        domain: &Domain,
        mut open: Option<&mut Transaction>,
    ) -> Result<()> {
        for (index, unsure) in std::mem::take(&mut self.unsure) {
            let settled = unsure.settle(domain, open.as_deref_mut()).await;
            settled.map_err(|error| fault(index, error))?;
        }
        self.kept.take().map_or(Ok(()), Err)
    }

    /// Reads what updates leave as it is. Before the reply is kept, for it names them too.
    pub(super) async fn read_unchanged(
        &mut self,
        domain: &Domain,
        request: &Request,
        open: &mut Transaction,
    ) -> Result<()> {
        for (at, kind, id) in std::mem::take(&mut self.unchanged) {
            let access = domain.decide(request, kind, Action::Update)?;
            let version = open.read(&access, kind, &id).await?;
            if let Some((_, written)) = self.written.get_mut(at) {
                written.version = version;
            }
        }
        Ok(())
    }

    /// Writes what there is so far, so that it can be found.
    pub(super) async fn write(&mut self, request: &Request, open: &mut Transaction) -> Result<()> {
        let changes = std::mem::take(&mut self.changes);
        if changes.is_empty() {
            return Ok(());
        }
        let context = request.context();
        match open.write(changes, self.at, &context, &Once::default()).await? {
            Applied::Committed => Ok(()),
            Applied::KeyRepeated | Applied::Stale | Applied::CriteriaTaken => Err(overtaken()),
        }
    }

    /// The answers in the entries' order.
    pub(super) fn into_written(mut self) -> Vec<Written> {
        self.written.sort_by_key(|(place, _)| *place);
        self.written.into_iter().map(|(_, written)| written).collect()
    }
}

/// What is there of what entries are about, by identity.
pub(super) type Known = HashMap<i64, (Head, Option<Stored>)>;

/// Looks up what patched resources name: only what is there tells. What cannot be patched is refused later.
pub(super) async fn learn_patched(
    domain: &Domain,
    request: &Request,
    entries: &[Entry],
    resolved: &[Resolved],
    known: &Known,
    judging: &mut Judging,
) -> Result<()> {
    let hasher = domain.store().hasher();
    for (entry, resolved) in entries.iter().zip(resolved) {
        let (Operation::Patch(_, change, _), Resolved::Target(id, _)) =
            (&entry.operation, resolved)
        else {
            continue;
        };
        let there = known.get(&hasher.identity(entry.operation.kind(), id.as_str()));
        let there = there.and_then(|(_, stored)| stored.as_ref());
        let text = there.and_then(|stored| stored.text.as_ref().map(|text| (stored, text)));
        if let Some((stored, text)) = text
            && let Ok(patched) = apply(stored, text, change)
        {
            judging.learn(domain, request, &patched).await?;
        }
    }
    Ok(())
}

/// No two entries may be about one resource: by its id, or by criteria that make a new one.
pub(super) fn each_once(entries: &[Entry], resolved: &[Resolved]) -> Result<()> {
    let mut known = HashMap::new();
    for (entry, resolved) in entries.iter().zip(resolved) {
        let kind = entry.operation.kind();
        let name = match (resolved, entry.operation.criteria()) {
            (Resolved::Target(id, _), _) => (kind, id.as_str()),
            // A search is never spelt as an id: an id has no `=`.
            (Resolved::New(_), Some(criteria)) => (kind, criteria.meaning.as_str()),
            (Resolved::New(_), None) | (Resolved::Existing(_) | Resolved::Nothing, _) => continue,
        };
        if let Some(other) = known.insert(name, entry.index) {
            let text = format!("Entries {other} and {} change the same resource.", entry.index);
            return Err(entry.fault(Error::invalid(text)));
        }
    }
    Ok(())
}

enum Step {
    Write(Box<Prepared>, Effect),
    Unchanged(ResourceType, ResourceId, Vec<Issue>),
    Nothing(Written),
}

fn step(
    domain: &Domain,
    request: &Request,
    entry: &Entry,
    resolved: &Resolved,
    around: &Around<'_>,
    at: DateTime<Utc>,
) -> Result<Step> {
    let Around { links, known, judging } = *around;
    let kind = entry.operation.kind();
    let access = domain.decide(request, kind, entry.operation.action())?;
    let id = match resolved {
        Resolved::Existing(stored) => {
            return Ok(Step::Nothing(Written::found(Effect::Existing, Some(stored.clone()))));
        }
        Resolved::Nothing => return Ok(Step::Nothing(Written::found(Effect::Deleted, None))),
        Resolved::New(id) | Resolved::Target(id, _) => id,
    };
    let known = known.get(&domain.store().hasher().identity(kind, id.as_str()));
    let head = known.map(|(head, _)| *head);
    let links = links.within(entry);
    match &entry.operation {
        Operation::Create(resource, _) => {
            let place = Place { id, expected: 0, method: Method::Create, revives: false, at };
            new_content(
                domain,
                request,
                &access,
                judging,
                links.rewrite(resource)?,
                place,
                Effect::Created,
            )
        }
        Operation::Update(_, resource, precondition) => {
            let place = Place { at, ..place(domain, id, head, *precondition)? };
            match resolved {
                // The policy is about ids that clients choose.
                Resolved::New(_) => drop(domain.decide(request, kind, Action::Create)?),
                _ if place.expected == 0 => may_create(domain, request, kind)?,
                _ => {}
            }
            put(domain, request, &access, judging, links.rewrite(resource)?, place, known)
        }
        Operation::Patch(_, change, precondition) => {
            let there = head.filter(|head| head.seen);
            if there.is_some_and(|head| !head.visible) {
                return Err(shared());
            }
            match there.ok_or_else(read::absent)?.method {
                Method::Delete => return Err(read::deleted()),
                Method::Create | Method::Update => {}
            }
            let place = Place { at, ..place(domain, id, there, *precondition)? };
            let current = known.and_then(|(_, stored)| stored.as_ref());
            let alive = current.and_then(|stored| stored.text.as_ref().map(|text| (stored, text)));
            let (stored, text) = alive.ok_or_else(read::absent)?;
            let change = links.rewrite_patch(change);
            put(domain, request, &access, judging, apply(stored, text, &change)?, place, known)
        }
        Operation::Delete(_, precondition) => match head {
            Some(head) if head.visible && head.method != Method::Delete => {
                known
                    .and_then(|(_, content)| content.as_ref())
                    .map_or(Ok(()), |content| domain.hooks().check_gone(content))?;
                let place = place(domain, id, Some(head), *precondition)?;
                let place = Place { at, method: Method::Delete, ..place };
                Ok(Step::Write(Box::new(tombstone(kind, place)), Effect::Deleted))
            }
            Some(head) if head.seen && head.method != Method::Delete => Err(shared()),
            _ if precondition.needs_resource() => Err(stale()),
            _ => Ok(Step::Nothing(Written::found(Effect::Deleted, None))),
        },
    }
}

fn put(
    domain: &Domain,
    request: &Request,
    access: &Access,
    judging: &Judging,
    resource: Resource,
    place: Place<'_>,
    known: Option<&(Head, Option<Stored>)>,
) -> Result<Step> {
    let alive = known.filter(|(head, _)| head.method != Method::Delete);
    let effect = if alive.is_some() { Effect::Updated } else { Effect::Created };
    let step = new_content(domain, request, access, judging, resource, place, effect)?;
    match (step, alive) {
        (Step::Write(prepared, _), Some((head, _))) if head.digest == prepared.digest() => {
            let Parts { change, said, .. } = prepared.into_parts();
            Ok(Step::Unchanged(change.kind, change.id, said))
        }
        (step, _) => Ok(step),
    }
}

fn new_content(
    domain: &Domain,
    request: &Request,
    access: &Access,
    judging: &Judging,
    resource: Resource,
    place: Place<'_>,
    effect: Effect,
) -> Result<Step> {
    conformance::validate(&resource)?;
    Ok(Step::Write(Box::new(content(domain, request, access, judging, resource, place)?), effect))
}
