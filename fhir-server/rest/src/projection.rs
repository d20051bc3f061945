//! `_summary` and `_elements`: parts of a resource, marked as such.
//! <https://hl7.org/fhir/R4/search.html#summary>

use canonical_model::{Resource, ResourceType, Result, Value, object};
use conformance::Registry;
use search::query::Summary;

use crate::format::Format;

const SUBSETTED_SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";

/// The part that the format asks for, tagged SUBSETTED.
pub(crate) fn project(resource: Resource, format: &Format) -> Resource {
    let kind = resource.kind();
    let Some(structure) = Registry::r4().resource(kind) else { return resource };
    let whole = resource.clone();
    let keep = |key: &str| {
        let name = key.strip_prefix('_').unwrap_or(key);
        if matches!(name, "resourceType" | "id" | "meta") {
            return true;
        }
        // `valueQuantity` stands for the element `value`.
        let Some(element) = structure.key(name).and_then(|key| structure.element_of(key)) else {
            return false;
        };
        // A part that leaves out what changes the meaning of the rest would lie.
        let needed = element.required || element.modifier;
        if !format.elements.is_empty() {
            return needed || format.elements.iter().any(|it| root(it, kind) == element.name);
        }
        match format.summary {
            Summary::False => true,
            Summary::True => element.summary || needed,
            Summary::Text => name == "text" || needed,
            Summary::Data => name != "text",
            Summary::Count => false,
        }
    };
    let mut body = resource.into_body();
    if let Some(members) = body.as_object_mut() {
        members.retain(|key, _| keep(key));
        tag(members);
    }
    Resource::from_value(body).unwrap_or(whole)
}

/// What `_elements` lists that none of these types has: nothing is sent for it.
pub(crate) fn unknown_elements<'f>(
    format: &'f Format,
    kinds: &[ResourceType],
) -> impl Iterator<Item = &'f str> {
    let has = |kind: &ResourceType, listed: &str| {
        let structure = Registry::r4().resource(*kind);
        let name = root(listed, *kind);
        structure.is_none_or(|structure| structure.element(name).is_some())
    };
    let listed = format.elements.iter().map(String::as_str);
    listed.filter(move |listed| !kinds.is_empty() && !kinds.iter().any(|kind| has(kind, listed)))
}

/// The text of a resource whose content is kept beside it, and left out here: tagged SUBSETTED.
pub(crate) fn subsetted(text: &[u8]) -> Result<String> {
    let mut body = canonical_model::json::parse(text)?;
    if let Some(members) = body.as_object_mut() {
        tag(members);
    }
    Ok(body.to_text())
}

/// The root element of what `_elements` lists: `name` of `Patient.name.family`, and `value` of
/// `value[x]`. What is listed below the root comes with all of it.
fn root(listed: &str, kind: ResourceType) -> &str {
    let path = listed.strip_prefix(kind.name()).and_then(|path| path.strip_prefix('.'));
    let name = path.unwrap_or(listed).split('.').next().unwrap_or_default();
    name.strip_suffix("[x]").unwrap_or(name)
}

fn tag(members: &mut canonical_model::json::Object) {
    let mut meta = match members.remove("meta") {
        Some(Value::Object(meta)) => meta,
        _ => canonical_model::json::Object::new(),
    };
    let mut tags = match meta.remove("tag") {
        Some(Value::Array(tags)) => tags,
        _ => Vec::new(),
    };
    tags.push(Value::Object(object! { "system": SUBSETTED_SYSTEM, "code": "SUBSETTED" }));
    meta.set("tag", tags);
    members.set_at(2, "meta", meta);
}
