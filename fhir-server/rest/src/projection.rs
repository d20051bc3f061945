//! `_summary` and `_elements`: parts of a resource, marked as such.
//! <https://hl7.org/fhir/R4/search.html#summary>

use canonical_model::{Resource, Value, object};
use conformance::Registry;
use search::query::Summary;

use crate::format::Format;

const SUBSETTED_SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";

/// The part that the format asks for, tagged SUBSETTED.
pub(crate) fn project(resource: Resource, format: &Format) -> Resource {
    let registry = Registry::r4();
    let kind = resource.kind();
    let whole = resource.clone();
    let mandatory = |name: &str| registry.mandatory(kind).any(|e| names(&e.name, name));
    let listed = |name: &str| {
        format.elements.iter().any(|element| {
            let path = element.strip_prefix(kind.name()).and_then(|p| p.strip_prefix('.'));
            names(path.unwrap_or(element), name)
        })
    };
    let keep = |key: &str| {
        let name = key.strip_prefix('_').unwrap_or(key);
        if matches!(name, "resourceType" | "id" | "meta") {
            return true;
        }
        if !format.elements.is_empty() {
            return listed(name) || mandatory(name);
        }
        match format.summary {
            Summary::False => true,
            Summary::True => registry.is_summary(kind.name(), name),
            Summary::Text => name == "text" || mandatory(name),
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

/// Whether a definition's name, `value[x]` or `birthDate`, covers a key.
fn names(definition: &str, key: &str) -> bool {
    match definition.strip_suffix("[x]") {
        Some(stem) => key.starts_with(stem),
        None => definition == key,
    }
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
