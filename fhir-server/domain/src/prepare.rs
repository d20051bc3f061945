//! From a resource to a change that can be committed: hooks, identity, index, digest.

use access::{Access, Relations};
use bytes::Bytes;
use canonical_model::date::format_instant;
use canonical_model::{
    Error, Issue, IssueCode, Kind, Resource, ResourceId, ResourceType, Result, Value,
};
use chrono::{DateTime, Utc};
use search::IndexEntries;
use store::{Change, Method, Stored, Transaction};

use crate::admission::{self, Asking};
use crate::checked::{checked, is_to_keep};
use crate::hooks::Proposal;
use crate::judging::Judging;
use crate::limits::RESOURCE_BYTES_MAX;
use crate::record::parse_event_id;
use crate::withheld::Withheld;
use crate::{Domain, Request};

/// A change and the version that it becomes when it is committed.
pub(crate) struct Prepared {
    change: Change,
    version: Stored,
    /// The SearchParameter that the version is, if it is active.
    asking: Option<Asking>,
    unsure: Option<Unsure>,
    /// What is wrong with it, though it is taken.
    said: Vec<Issue>,
    /// Why it is to be kept aside in place of being written.
    kept: Option<Error>,
}

/// What a [`Prepared`] is made of.
pub(crate) struct Parts {
    pub(crate) change: Change,
    pub(crate) version: Stored,
    pub(crate) asking: Option<Asking>,
    pub(crate) unsure: Option<Unsure>,
    pub(crate) said: Vec<Issue>,
    pub(crate) kept: Option<Error>,
}

/// A change that may be made if there is a relationship to its patients, and no Consent of theirs denies it.
#[must_use = "it is to be settled before the change is made"]
pub(crate) struct Unsure {
    access: Access,
    kind: ResourceType,
    entries: IndexEntries,
}

impl Prepared {
    /// The digest of the new content.
    pub(crate) fn digest(&self) -> i64 {
        self.change.digest
    }

    /// The change and its version, which may be made, and what is wrong with it though it is taken.
    ///
    /// # Errors
    /// Forbidden; Unprocessable where it is to be kept aside; Unavailable or Internal.
    pub(crate) async fn settled(
        self,
        domain: &Domain,
        open: Option<&mut Transaction>,
    ) -> Result<(Change, Stored, Vec<Issue>)> {
        let Self { change, version, unsure, said, kept, .. } = self;
        if let Some(unsure) = unsure {
            unsure.settle(domain, open).await?;
        }
        kept.map_or(Ok((change, version, said)), Err)
    }

    pub(crate) fn into_parts(self) -> Parts {
        let Self { change, version, asking, unsure, said, kept } = self;
        Parts { change, version, asking, unsure, said, kept }
    }
}

impl Unsure {
    /// Asks the store, within the transaction that is open if one is.
    ///
    /// # Errors
    /// Forbidden where there is no relationship, or a Consent denies it; Unavailable or Internal.
    pub(crate) async fn settle(
        self,
        domain: &Domain,
        mut open: Option<&mut Transaction>,
    ) -> Result<()> {
        let Self { access, kind, entries } = self;
        let (mut known, owners) = (Vec::new(), &entries.owners);
        for relations in access.relations(kind) {
            let patients = match open.as_deref_mut() {
                Some(open) => open.related(relations, owners).await?,
                None => domain.store().related(relations, owners).await?,
            };
            known.push((relations, patients));
        }
        let related = |asked: &Relations, patient: &ResourceId| {
            let found = known.iter().find(|(relations, _)| std::ptr::eq(&***relations, asked));
            found.is_some_and(|(_, patients)| patients.contains(patient))
        };
        if !access.permits(kind, &entries, domain.store().hasher(), &related) {
            return Err(outside());
        }
        let denied = match open {
            Some(open) => open.denies(&access, kind, &entries).await?,
            None => domain.store().denies(&access, kind, &entries).await?,
        };
        if denied { Err(Withheld::by_consent().refusal()) } else { Ok(()) }
    }
}

/// Whether new content may be written: now, if there is a relationship to its patients, or not at all.
///
/// A new patient under an id of this server, of whom nothing can be here yet, may name the user, or an organisation
/// of theirs: that is how there come to be any.
fn permitted(
    domain: &Domain,
    access: &Access,
    kind: ResourceType,
    place: Place<'_>,
    entries: &IndexEntries,
) -> Result<Option<Unsure>> {
    let hasher = domain.store().hasher();
    let is_new = kind == ResourceType::PATIENT && place.method == Method::Create;
    let names = |relations: &Relations, patient: &ResourceId| {
        is_new && patient == place.id && relations.names(entries, hasher)
    };
    let sure = access.permits(kind, entries, hasher, &names);
    // Of a new patient there are no Consents.
    if sure && (is_new || access.asker().is_none() || entries.patients.is_empty()) {
        return Ok(None);
    }
    match sure || access.permits(kind, entries, hasher, &|_, _| !is_new) {
        true => Ok(Some(Unsure { access: access.clone(), kind, entries: entries.clone() })),
        false => Err(outside()),
    }
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
    request: &Request,
    access: &Access,
    judging: &Judging,
    mut resource: Resource,
    place: Place<'_>,
) -> Result<Prepared> {
    let kind = resource.kind();
    if place.expected > 0 && is_partial(&resource) {
        let text = "The resource is tagged SUBSETTED: a part of what is stored here. Read it whole, \
                    change that, and send it back.";
        return Err(Error::unprocessable(text).code(IssueCode::Incomplete).at("meta.tag"));
    }
    if kind == ResourceType::AUDIT_EVENT && parse_event_id(place.id.as_str()).is_some() {
        let text = "Ids of this form name the record of accesses, which the server itself keeps.";
        return Err(Error::new(Kind::MethodNotAllowed, text));
    }
    domain.hooks().check(&Proposal { method: place.method, resource: &resource })?;
    // What may not be written is not kept aside either.
    let (said, kept) = match checked(domain, request, judging, &mut resource) {
        Err(error) if is_to_keep(&error) => (Vec::new(), Some(error)),
        checked => (checked?, None),
    };
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
    // What is not understood would not be honoured.
    search::consent_rules(&domain.catalogue(), domain.base(), &resource, &entries.patients)?;
    if !entries.rules.is_empty() {
        domain.shared.consents.expect();
    }
    let unsure = permitted(domain, access, kind, place, &entries)?;
    let text = resource.to_text();
    if text.len() > RESOURCE_BYTES_MAX {
        return Err(Error::unprocessable("A resource has at most 4 MiB. Split it.")
            .code(IssueCode::TooLong)
            .at(kind.name()));
    }
    let blob = resource.blob().copied();
    let digest = digest(domain, &resource);
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
    Ok(Prepared { change, version: stored, asking, unsure, said, kept })
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
    Prepared { change, version: stored, asking: None, unsure: None, said: Vec::new(), kept: None }
}

/// Of the content, with what is kept beside it.
fn digest(domain: &Domain, resource: &Resource) -> i64 {
    let mut content = resource.content_text().into_bytes();
    content.extend(resource.blob().iter().flat_map(|blob| blob.sha256));
    domain.store().hasher().content(resource.kind(), &content)
}

/// What may be read and belongs to others too: to change it would take it from them.
pub(crate) fn shared() -> Error {
    let text = "The resource is another patient's too, whom this token does not reach: it can be read, not changed.";
    Error::new(Kind::Forbidden, text)
}

pub(crate) fn outside() -> Error {
    Error::new(
        Kind::Forbidden,
        "The resource would belong to a patient outside the reach of this token.",
    )
}
