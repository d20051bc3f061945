//! Patch: JSON Patch and FHIRPath Patch. <https://hl7.org/fhir/R4/http.html#patch>

use access::Action;
use canonical_model::{Error, Kind, Resource, ResourceId, ResourceType, Result, Value, patch};
use conformance::Registry;
use store::{Method, Stored};

use super::create::{find, or_repeated, repeated, sole, unwritten};
use super::read::told;
use super::update::{overtaken, place, replace, stale};
use super::written::{Effect, Written};
use crate::judging::Judging;
use crate::limits::WRITE_TRIES_MAX;
use crate::prepare::{content, shared};
use crate::{Criteria, Domain, Precondition, Request};

/// A patch as it was sent.
#[derive(Clone, Debug)]
pub enum Patch {
    /// RFC 6902.
    Json(Value),
    /// A Parameters resource of operations.
    FhirPath(Value),
}

/// Patches a resource: all operations or none.
///
/// # Errors
/// NotFound; Gone; Unprocessable where the patch does not fit or its result is no valid resource;
/// PreconditionFailed; Conflict.
pub async fn patch(
    domain: &Domain,
    request: &Request,
    kind: ResourceType,
    id: &ResourceId,
    patch: &Patch,
    precondition: Precondition,
) -> Result<Written> {
    let done = patch_once(domain, request, kind, id, patch, precondition).await;
    or_repeated(domain, request, done).await
}

async fn patch_once(
    domain: &Domain,
    request: &Request,
    kind: ResourceType,
    id: &ResourceId,
    patch: &Patch,
    precondition: Precondition,
) -> Result<Written> {
    let access = domain.decide(request, kind, Action::Update)?;
    if let Some(written) = repeated(domain, request).await? {
        return Ok(written);
    }
    for _ in 0..WRITE_TRIES_MAX {
        let head = domain.store().head(&access, kind, id).await?.filter(|head| head.seen);
        if head.is_some_and(|head| !head.visible) {
            return Err(shared());
        }
        let current = domain.store().read(&access, kind, id).await?;
        let (Some(head), Some(current)) = (head, current) else {
            return Err(Error::not_found("There is no such resource."));
        };
        let Some(text) = current.text.clone() else {
            return Err(Error::new(Kind::Gone, "The resource was deleted."));
        };
        let place = place(domain, id, Some(head), precondition)?;
        if current.version != place.expected {
            if precondition.if_match.is_some() {
                return Err(stale());
            }
            continue;
        }
        let resource = apply(&current, &text, patch)?;
        conformance::validate(&resource)?;
        let judging = Judging::of_write(domain, request, &resource).await?;
        let prepared = content(domain, request, &access, &judging, resource, place)?;
        if prepared.digest() == head.digest && head.method != Method::Delete {
            let written = unwritten(domain, request, Effect::Unchanged, Some(current)).await?;
            return as_told(domain, request, written.saying(prepared.into_parts().said)).await;
        }
        let effect = Effect::Updated;
        if let Some(written) = replace(domain, request, &access, prepared, effect).await? {
            return as_told(domain, request, written).await;
        }
    }
    Err(overtaken())
}

/// The same, with of its content what the caller may read: a patch need not know it.
pub(crate) async fn as_told(
    domain: &Domain,
    request: &Request,
    written: Written,
) -> Result<Written> {
    let version = match written.version {
        Some(version) => Some(told(domain, request, version).await?),
        None => None,
    };
    // Where something is wrong would tell of content that may not be read.
    let readable = version.as_ref().is_some_and(|version| version.text.is_some());
    let said = if readable { written.said } else { Vec::new() };
    Ok(Written { version, said, ..written })
}

/// Patches what the criteria find.
///
/// # Errors
/// As [`patch`]; NotFound where nothing matches, PreconditionFailed where several do.
pub async fn patch_where(
    domain: &Domain,
    request: &Request,
    criteria: &Criteria,
    change: &Patch,
    precondition: Precondition,
) -> Result<Written> {
    let access = domain.decide_query(request, &criteria.query, Action::Search)?;
    for _ in 0..WRITE_TRIES_MAX {
        let matches = find(domain, &access, &criteria.query).await?;
        let Some(existing) = sole(matches)? else {
            return Err(Error::not_found("The criteria match no resource."));
        };
        let id = ResourceId::parse(&existing.id)?;
        let held = precondition.held(existing.version);
        match patch(domain, request, criteria.kind(), &id, change, held).await {
            // It is another version now, which the criteria may not match.
            Err(error) if precondition.is_overtaken(&error) => {}
            other => return other,
        }
    }
    Err(overtaken())
}

/// The patched resource; its identity must be what it was.
pub(crate) fn apply(current: &Stored, text: &[u8], change: &Patch) -> Result<Resource> {
    let before = canonical_model::json::parse(text)?;
    let after = match change {
        Patch::Json(operations) => patch::json_patch(&before, operations)?,
        Patch::FhirPath(parameters) => patch::fhirpath_patch(&before, parameters, Registry::r4())?,
    };
    let resource = Resource::from_value(after)?;
    // Content that is kept beside the resource stays, unless the patch gives it another.
    let blob = current.blob.filter(|_| resource.members().get("data").is_none());
    let resource = resource.with_blob(blob);
    if resource.kind() != current.kind || resource.id() != Some(current.id.as_str()) {
        return Err(Error::unprocessable("A patch must not change resourceType or id."));
    }
    Ok(resource)
}
