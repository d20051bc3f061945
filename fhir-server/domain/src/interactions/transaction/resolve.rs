//! Which resource each entry is about: new ids, and what criteria find.

use std::collections::HashSet;

use access::Action;
use canonical_model::{Error, Kind, ResourceId, ResourceType, Result};
use store::{Stored, Transaction};

use super::plan::Known;
use super::{Entry, Operation, Target};
use crate::interactions::create::{in_criteria, new_id, several, sole};
use crate::interactions::update::overtaken;
use crate::limits::FOUND_BYTES_MAX;
use crate::watch::Watch;
use crate::{Criteria, Domain, Request};

/// What an entry is about.
pub(super) enum Resolved {
    /// A resource that gets this new id.
    New(ResourceId),
    /// The resource of this id, there or not; where criteria found it, the version that they found.
    Target(ResourceId, Option<i32>),
    /// A conditional create found this one.
    Existing(Stored),
    /// A conditional delete found none.
    Nothing,
}

/// Deletes go first, as the specification orders it: what they remove, no other criteria find. Two that find the same
/// one both have it, to be told of that.
pub(super) async fn resolve(
    domain: &Domain,
    request: &Request,
    mut open: Option<&mut Transaction>,
    entries: &[Entry],
) -> Result<Vec<Resolved>> {
    let deletes = |entry: &Entry| matches!(entry.operation, Operation::Delete(..));
    let mut resolved: Vec<Option<Resolved>> = entries.iter().map(|_| None).collect();
    let (none, mut gone) = (Gone::new(), Gone::new());
    let mut room = FOUND_BYTES_MAX;
    for first in [true, false] {
        for (entry, place) in entries.iter().zip(&mut resolved) {
            if deletes(entry) != first {
                continue;
            }
            let one = match (entry.operation.criteria(), open.as_deref_mut()) {
                (Some(criteria), Some(open)) => {
                    let gone = if first { &none } else { &gone };
                    let found = find(domain, request, open, criteria, gone).await;
                    let found = found.map_err(|error| match entry.operation {
                        Operation::Create(..) => in_criteria(error),
                        _ => error,
                    });
                    found.and_then(|found| by_criteria(&entry.operation, found))
                }
                _ => by_id(&entry.operation),
            };
            let mut one = one.map_err(|error| entry.fault(error))?;
            if let Resolved::Existing(stored) = &mut one {
                // The answer says where it is; what many of them hold would fill the memory.
                match room.checked_sub(stored.text.as_ref().map_or(0, |text| text.len())) {
                    Some(left) => room = left,
                    None => stored.text = None,
                }
            }
            if let (true, Resolved::Target(id, _)) = (first, &one) {
                gone.insert((entry.operation.kind(), id.to_string()));
            }
            *place = Some(one);
        }
    }
    Ok(resolved.into_iter().flatten().collect())
}

fn by_id(operation: &Operation) -> Result<Resolved> {
    match operation {
        Operation::Update(Target::Id(kind, id), resource, _) => {
            crate::interactions::update::expect_identity(*kind, id, resource)?;
            Ok(Resolved::Target(id.clone(), None))
        }
        Operation::Patch(Target::Id(_, id), ..) | Operation::Delete(Target::Id(_, id), _) => {
            Ok(Resolved::Target(id.clone(), None))
        }
        Operation::Create(..)
        | Operation::Update(..)
        | Operation::Patch(..)
        | Operation::Delete(..) => Ok(Resolved::New(new_id()?)),
    }
}

fn by_criteria(operation: &Operation, found: Option<Stored>) -> Result<Resolved> {
    Ok(match (operation, found) {
        (Operation::Create(..), Some(stored)) => Resolved::Existing(stored),
        (Operation::Create(..), None) => Resolved::New(new_id()?),
        (Operation::Update(_, resource, _), Some(stored)) => {
            if resource.id().is_some_and(|id| id != stored.id) {
                let text = "The criteria match a resource with another id than the body's.";
                return Err(Error::invalid(text));
            }
            Resolved::Target(ResourceId::parse(&stored.id)?, Some(stored.version))
        }
        (Operation::Update(_, resource, _), None) => match resource.id() {
            Some(id) => Resolved::Target(ResourceId::parse(id)?, None),
            None => Resolved::New(new_id()?),
        },
        (Operation::Patch(..) | Operation::Delete(..), Some(stored)) => {
            Resolved::Target(ResourceId::parse(&stored.id)?, Some(stored.version))
        }
        (Operation::Patch(..), None) => {
            return Err(Error::not_found("The criteria match no resource."));
        }
        (Operation::Delete(..), None) => Resolved::Nothing,
    })
}

/// What the transaction deletes.
pub(super) type Gone = HashSet<(ResourceType, String)>;

pub(super) async fn find(
    domain: &Domain,
    request: &Request,
    open: &mut Transaction,
    criteria: &Criteria,
    gone: &Gone,
) -> Result<Option<Stored>> {
    let access = domain.decide_query(request, &criteria.query, Action::Search)?;
    let mut query = criteria.query.clone();
    query.count = 2 + gone.len();
    let watch = Watch::begin(domain, std::slice::from_ref(&query)).await?;
    if gone.is_empty() {
        let found = open.search(&access, &query).await?.found;
        watch.whole(domain, &query).await?;
        return sole(found);
    }
    // By name alone: what goes may be too large for one page.
    let mut names = open.names(&access, &query).await?;
    watch.whole(domain, &query).await?;
    names.retain(|(kind, id, _)| !gone.contains(&(*kind, id.to_string())));
    match names.as_slice() {
        [] => Ok(None),
        [(kind, id, version)] => {
            let stored = open.read(&access, *kind, id).await?;
            let same = stored.filter(|stored| stored.version == *version);
            same.map(Some).ok_or_else(overtaken)
        }
        _ => Err(several()),
    }
}

/// What the transaction deletes, by its entries.
pub(super) fn gone(entries: &[Entry], resolved: &[Resolved]) -> Gone {
    let both = entries.iter().zip(resolved);
    both.filter_map(|(entry, resolved)| match (&entry.operation, resolved) {
        (Operation::Delete(..), Resolved::Target(id, _)) => {
            Some((entry.operation.kind(), id.to_string()))
        }
        _ => None,
    })
    .collect()
}

/// Adds the content of the resources that entries patch; of those they delete, where hooks ask for it.
pub(super) async fn current(
    domain: &Domain,
    request: &Request,
    open: &mut Transaction,
    entries: &[Entry],
    resolved: &[Resolved],
    known: &mut Known,
) -> Result<()> {
    let mut room = FOUND_BYTES_MAX;
    for (entry, resolved) in entries.iter().zip(resolved) {
        let asked = match entry.operation {
            Operation::Patch(..) => true,
            Operation::Delete(..) => !domain.hooks().is_empty(),
            Operation::Create(..) | Operation::Update(..) => false,
        };
        if let (true, Resolved::Target(id, _)) = (asked, resolved) {
            let kind = entry.operation.kind();
            let access = domain.decide(request, kind, entry.operation.action())?;
            let identity = domain.store().hasher().identity(kind, id.as_str());
            if let Some((_, content)) = known.get_mut(&identity) {
                *content = open.read(&access, kind, id).await?;
                let bytes =
                    content.iter().filter_map(|it| it.text.as_ref()).map(|it| it.len()).sum();
                room = room.checked_sub(bytes).ok_or_else(|| entry.fault(too_much()))?;
            }
        }
    }
    Ok(())
}

fn too_much() -> Error {
    let text = format!(
        "What a transaction patches has at most {} MiB in all: split it.",
        FOUND_BYTES_MAX / 1024 / 1024
    );
    Error::new(Kind::TooLarge, text)
}
