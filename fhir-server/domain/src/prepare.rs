//! From a resource to a change that can be committed: hooks, identity, index, digest.

use access::Access;
use bytes::Bytes;
use canonical_model::date::format_instant;
use canonical_model::{
    Blob, Error, IssueCode, Kind, Resource, ResourceId, ResourceType, Result, Value,
};
use chrono::{DateTime, Utc};
use search::IndexEntries;
use store::{Change, Method, Stored};

use crate::Domain;
use crate::admission::{self, Asking};
use crate::hooks::Proposal;
use crate::limits::RESOURCE_BYTES_MAX;

/// A change and the version that it becomes when it is committed.
pub(crate) struct Prepared {
    pub(crate) change: Change,
    pub(crate) version: Stored,
    /// The SearchParameter that the version is, if it is active.
    pub(crate) asking: Option<Asking>,
}

/// Where a new version goes.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) id: &'a ResourceId,
    /// The version it replaces; 0 for none.
    pub(crate) expected: i32,
    pub(crate) method: Method,
    /// Whether the version it replaces is a deletion.
    pub(crate) revives: bool,
    pub(crate) at: DateTime<Utc>,
}

/// Prepares new content. The access is asked for the new owners here, for the old ones in the
/// store.
pub(crate) fn content(
    domain: &Domain,
    access: &Access,
    mut resource: Resource,
    place: Place<'_>,
) -> Result<Prepared> {
    let kind = resource.kind();
    if place.expected > 0 && is_partial(&resource) {
        let text = "The resource is tagged SUBSETTED: a part of what is stored here. Read it whole, \
                    change that, and send it back.";
        return Err(Error::unprocessable(text).code(IssueCode::Incomplete).at("meta.tag"));
    }
    domain.hooks().check(&Proposal { method: place.method, resource: &resource })?;
    let version =
        place.expected.checked_add(1).ok_or_else(|| Error::conflict("too many versions"))?;
    let instant = format_instant(place.at.timestamp_millis());
    resource.identify(place.id, i64::from(version), &instant);
    // By the id that it gets: under that it may be in use already.
    let asking = admission::check(domain, &resource)?;
    let entries = match domain.policy().index {
        true => domain.extract(&resource)?,
        false => IndexEntries::default(),
    };
    if !access.permits(kind, &entries, domain.store().hasher()) {
        return Err(outside());
    }
    let text = resource.to_text();
    if text.len() > RESOURCE_BYTES_MAX {
        return Err(Error::unprocessable("A resource has at most 4 MiB. Split it.")
            .code(IssueCode::TooLong)
            .at(kind.name()));
    }
    let blob = resource.blob().copied();
    let digest = digest(domain, content_part(&text, &instant), blob.as_ref());
    let stored = Stored {
        kind,
        id: place.id.to_string(),
        version,
        last_updated: place.at,
        method: place.method,
        text: Some(Bytes::from(text.clone())),
        blob,
        patients: Vec::new(),
    };
    // Search values and digest are of the open content; the database gets the sealed one.
    let sealed = domain.store().sealer().seal(&resource, version)?;
    let text = sealed.map_or(text, |sealed| sealed.to_text());
    if asking.is_some() {
        admission::fits(&text)?;
    }
    let change = Change {
        kind,
        id: place.id.clone(),
        expected: place.expected,
        method: place.method,
        revives: place.revives,
        text,
        blob,
        digest,
        entries,
    };
    Ok(Prepared { change, version: stored, asking })
}

/// Whether it came out of an answer that left something out. Written back, it would delete the rest.
/// <https://hl7.org/fhir/R4/search.html#summary>
fn is_partial(resource: &Resource) -> bool {
    let meta = resource.members().get("meta");
    let tags = meta.and_then(|meta| meta.get("tag")).map(Value::items).unwrap_or_default();
    tags.iter().any(|tag| tag.get("code").and_then(Value::as_str) == Some("SUBSETTED"))
}

/// Prepares a deletion.
pub(crate) fn tombstone(kind: ResourceType, place: Place<'_>) -> Prepared {
    let version = place.expected.saturating_add(1);
    let stored = Stored {
        kind,
        id: place.id.to_string(),
        version,
        last_updated: place.at,
        method: Method::Delete,
        text: None,
        blob: None,
        patients: Vec::new(),
    };
    let change = Change {
        kind,
        id: place.id.clone(),
        expected: place.expected,
        method: Method::Delete,
        revives: false,
        text: String::new(),
        blob: None,
        digest: 0,
        entries: IndexEntries::default(),
    };
    Prepared { change, version: stored, asking: None }
}

/// Of the content, with what is kept beside it.
fn digest(domain: &Domain, text: &[u8], blob: Option<&Blob>) -> i64 {
    let hasher = domain.store().hasher();
    match blob {
        None => hasher.digest(text),
        Some(blob) => hasher.digest(&[text, blob.sha256.as_slice()].concat()),
    }
}

/// The text behind what the server sets: `identify` puts type, id, version and time first.
fn content_part<'a>(text: &'a str, instant: &str) -> &'a [u8] {
    let after = text.find(instant).map_or(0, |at| at + instant.len());
    text.as_bytes().get(after..).unwrap_or_default()
}

pub(crate) fn outside() -> Error {
    Error::new(
        Kind::Forbidden,
        "The resource would belong to a patient outside the reach of this token.",
    )
}
