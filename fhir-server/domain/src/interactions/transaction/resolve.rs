//! Which resource each entry is about: new ids, and what criteria find.

use std::collections::HashMap;

use access::Action;
use canonical_model::{Error, Kind, ResourceId, ResourceType, Result};
use store::{Stored, Transaction};

use super::{Entry, Known, Operation, Target};
use crate::interactions::create::{new_id, sole};
use crate::{Criteria, Domain, Request};

/// What an entry is about.
pub(super) enum Resolved {
    /// A resource that gets this new id.
    New(ResourceId),
    /// The resource of this id, there or not.
    Target(ResourceId),
    /// A conditional create found this one.
    Existing(Stored),
    /// A conditional delete found none.
    Nothing,
}

pub(super) async fn resolve(
    domain: &Domain,
    request: &Request,
    mut open: Option<&mut Transaction>,
    entries: &[Entry],
) -> Result<Vec<Resolved>> {
    let mut resolved = Vec::with_capacity(entries.len());
    for entry in entries {
        let one = match (entry.operation.criteria(), open.as_deref_mut()) {
            (Some(criteria), Some(open)) => {
                by_criteria(domain, request, open, &entry.operation, criteria).await
            }
            _ => by_id(&entry.operation),
        };
        resolved.push(one.map_err(|e| e.within(&format!("Bundle.entry[{}]", entry.index)))?);
    }
    Ok(resolved)
}

fn by_id(operation: &Operation) -> Result<Resolved> {
    match operation {
        Operation::Update(Target::Id(kind, id), resource, _) => {
            crate::interactions::update::expect_identity(*kind, id, resource)?;
            Ok(Resolved::Target(id.clone()))
        }
        Operation::Patch(Target::Id(_, id), ..) | Operation::Delete(Target::Id(_, id), _) => {
            Ok(Resolved::Target(id.clone()))
        }
        Operation::Create(..)
        | Operation::Update(..)
        | Operation::Patch(..)
        | Operation::Delete(..) => Ok(Resolved::New(new_id()?)),
    }
}

async fn by_criteria(
    domain: &Domain,
    request: &Request,
    open: &mut Transaction,
    operation: &Operation,
    criteria: &Criteria,
) -> Result<Resolved> {
    let found = find(domain, request, open, criteria).await?;
    Ok(match (operation, found) {
        (Operation::Create(..), Some(stored)) => Resolved::Existing(stored),
        (Operation::Create(..), None) => Resolved::New(new_id()?),
        (Operation::Update(_, resource, _), Some(stored)) => {
            if resource.id().is_some_and(|id| id != stored.id) {
                let text = "The criteria match a resource with another id than the body's.";
                return Err(Error::invalid(text));
            }
            Resolved::Target(ResourceId::parse(&stored.id)?)
        }
        (Operation::Update(_, resource, _), None) => match resource.id() {
            Some(id) => Resolved::Target(ResourceId::parse(id)?),
            None => Resolved::Target(new_id()?),
        },
        (Operation::Patch(..) | Operation::Delete(..), Some(stored)) => {
            Resolved::Target(ResourceId::parse(&stored.id)?)
        }
        (Operation::Patch(..), None) => {
            return Err(Error::not_found("The criteria match no resource."));
        }
        (Operation::Delete(..), None) => Resolved::Nothing,
    })
}

async fn find(
    domain: &Domain,
    request: &Request,
    open: &mut Transaction,
    criteria: &Criteria,
) -> Result<Option<Stored>> {
    let access = domain.decide(request, criteria.kind(), Action::Search)?;
    let mut query = criteria.query.clone();
    query.count = 2;
    sole(open.search(&access, &query).await?.found)
}

/// Conditional references (`Patient?identifier=…`) and what each finds.
pub(super) async fn references(
    domain: &Domain,
    request: &Request,
    open: &mut Transaction,
    conditional: &[String],
) -> Result<HashMap<String, String>> {
    let mut found = HashMap::with_capacity(conditional.len());
    for text in conditional {
        let (kind, query) = text.split_once('?').unwrap_or((text, ""));
        let criteria = Criteria::parse(domain, ResourceType::parse(kind)?, query)?;
        let stored = find(domain, request, open, &criteria).await?.ok_or_else(|| {
            let text = "A conditional reference matches no resource.";
            Error::new(Kind::PreconditionFailed, text)
        })?;
        found.insert(text.clone(), format!("{kind}/{}", stored.id));
    }
    Ok(found)
}

/// Adds the content of the resources that entries patch.
pub(super) async fn current(
    domain: &Domain,
    request: &Request,
    open: &mut Transaction,
    entries: &[Entry],
    resolved: &[Resolved],
    known: &mut Known,
) -> Result<()> {
    for (entry, resolved) in entries.iter().zip(resolved) {
        if let (Operation::Patch(..), Resolved::Target(id)) = (&entry.operation, resolved) {
            let kind = entry.operation.kind();
            let access = domain.decide(request, kind, Action::Update)?;
            let identity = domain.store().hasher().identity(kind, id.as_str());
            if let Some((_, content)) = known.get_mut(&identity) {
                *content = open.read(&access, kind, id).await?;
            }
        }
    }
    Ok(())
}
