//! Delete, also conditional. <https://hl7.org/fhir/R4/http.html#delete>

use access::Action;
use canonical_model::{ResourceId, ResourceType, Result};
use store::{Method, VersionName};

use super::create::{or_repeated, repeated, several, unwritten};
use super::update::{overtaken, place, replace};
use super::written::{Effect, Written};
use crate::limits::{DELETE_MATCHES_MAX, WRITE_TRIES_MAX};
use crate::prepare::{Place, shared, tombstone};
use crate::watch::Watch;
use crate::{Criteria, Domain, Precondition, Request};

/// Deletes a resource. Deleting what is not there is no error: the state asked for is reached.
///
/// # Errors
/// Forbidden; PreconditionFailed; Conflict.
pub async fn delete(
    domain: &Domain,
    request: &Request,
    kind: ResourceType,
    id: &ResourceId,
    precondition: Precondition,
) -> Result<Written> {
    let done = delete_once(domain, request, kind, id, precondition).await;
    or_repeated(domain, request, done).await
}

async fn delete_once(
    domain: &Domain,
    request: &Request,
    kind: ResourceType,
    id: &ResourceId,
    precondition: Precondition,
) -> Result<Written> {
    let access = domain.decide(request, kind, Action::Delete)?;
    if let Some(written) = repeated(domain, request).await? {
        return Ok(written);
    }
    for _ in 0..WRITE_TRIES_MAX {
        let head = domain.store().head(&access, kind, id).await?;
        let head = match head {
            Some(head) if head.visible && head.method != Method::Delete => head,
            Some(head) if head.seen && head.method != Method::Delete => return Err(shared()),
            _ if precondition.needs_resource() => {
                return Err(super::update::stale());
            }
            _ => return unwritten(domain, request, Effect::Deleted, None).await,
        };
        if !domain.hooks().is_empty() {
            let current = domain.store().read(&access, kind, id).await?;
            match current.filter(|current| current.version == head.version) {
                Some(current) => domain.hooks().check_gone(&current)?,
                None => continue, // Another write was faster.
            }
        }
        let place =
            Place { method: Method::Delete, ..place(domain, id, Some(head), precondition)? };
        let (gone, effect) = (tombstone(kind, place), Effect::Deleted);
        if let Some(written) = replace(domain, request, &access, gone, effect).await? {
            return Ok(written);
        }
    }
    Err(overtaken())
}

/// Deletes what the criteria find: one, or several where the policy allows it.
///
/// # Errors
/// As [`delete`]; PreconditionFailed where too many match, or one has not the version wanted.
pub async fn delete_where(
    domain: &Domain,
    request: &Request,
    criteria: &Criteria,
    precondition: Precondition,
) -> Result<Vec<Written>> {
    let access = domain.decide_query(request, &criteria.query, Action::Search)?;
    let mut query = criteria.query.clone();
    let most = if domain.policy().delete_multiple { DELETE_MATCHES_MAX } else { 1 };
    query.count = most + 1;
    // A key stands for one answer, and here are several writes. Repeated, they find nothing.
    let request = &Request { idempotency: None, ..request.clone() };
    let mut gone = Vec::new();
    for _ in 0..WRITE_TRIES_MAX {
        let watch = Watch::begin(domain, std::slice::from_ref(&query)).await?;
        let found = domain.store().names(&access, &query).await?;
        watch.whole(domain, &query).await?;
        if found.len() > most {
            return Err(several());
        }
        if found.is_empty() && gone.is_empty() && precondition.needs_resource() {
            return Err(super::update::stale());
        }
        if delete_found(domain, request, found, precondition, &mut gone).await? {
            return Ok(gone);
        }
    }
    Err(overtaken())
}

/// Deletes the versions that were found, and no later ones: those may not match. `false` where there
/// is one, so that the search must be made again.
async fn delete_found(
    domain: &Domain,
    request: &Request,
    found: Vec<VersionName>,
    precondition: Precondition,
    gone: &mut Vec<Written>,
) -> Result<bool> {
    for (kind, id, version) in found {
        let held = precondition.held(version);
        match delete(domain, request, kind, &id, held).await {
            Ok(written) => gone.push(written),
            Err(error) if precondition.is_overtaken(&error) => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}
