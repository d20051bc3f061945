//! Literal references. <https://hl7.org/fhir/R4/references.html#literal>

use canonical_model::{ResourceId, ResourceType};

use super::primitive::{is_oid, is_uri, is_uuid};

/// What a literal reference says of its target.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Literal<'a> {
    /// `#id`: a contained resource.
    Local(&'a str),
    /// `Patient/1`, `Patient/1/_history/2`.
    Relative,
    /// `Patient?identifier=…`: a search, in a transaction only.
    Search,
    /// Any other place.
    Absolute,
}

/// Reads a literal reference; nothing where it has no legal form.
pub(super) fn read(text: &str) -> Option<Literal<'_>> {
    if let Some(id) = text.strip_prefix('#') {
        return (id.is_empty() || ResourceId::is_legal(id)).then_some(Literal::Local(id));
    }
    if let Some(uuid) = text.strip_prefix("urn:uuid:") {
        return is_uuid(&uuid.to_ascii_lowercase()).then_some(Literal::Absolute);
    }
    if let Some(oid) = text.strip_prefix("urn:oid:") {
        return is_oid(oid).then_some(Literal::Absolute);
    }
    if let Some(rest) = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")) {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        return (!host.is_empty() && is_uri(rest)).then_some(Literal::Absolute);
    }
    if let Some((kind, query)) = text.split_once('?') {
        let legal = !query.is_empty() && is_uri(query);
        return (legal && ResourceType::find(kind).is_some()).then_some(Literal::Search);
    }
    is_relative(text).then_some(Literal::Relative)
}

fn is_relative(text: &str) -> bool {
    let (head, version) = match text.split_once("/_history/") {
        Some((head, version)) => (head, Some(version)),
        None => (text, None),
    };
    let Some((kind, id)) = head.split_once('/') else { return false };
    ResourceType::find(kind).is_some()
        && ResourceId::is_legal(id)
        && version.is_none_or(ResourceId::is_legal)
}
