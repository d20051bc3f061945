//! What a reference says about the type of its target. <https://hl7.org/fhir/R4/references.html>

use super::item::Item;
use crate::ResourceType;
use crate::json::Value;

/// The type that the text of a reference names: `Patient/1`, `https://a.example/fhir/Patient/1`,
/// `Patient/1/_history/2` or the conditional `Patient?identifier=x`. None for `#1` and `urn:uuid:…`.
#[must_use]
pub fn reference_type(text: &str) -> Option<ResourceType> {
    if let Some((path, _)) = text.split_once('?') {
        return ResourceType::find(path.rsplit('/').next()?);
    }
    let path = text.split_once("/_history/").map_or(text, |(path, _)| path);
    ResourceType::find(path.rsplit('/').nth(1)?)
}

/// What an item refers to: a contained resource, or a stand-in that knows its type only.
pub(super) fn resolve<'a>(item: Item<'a>, root: &'a Value) -> Option<Item<'a>> {
    let text = match item.value {
        Value::String(text) => Some(text.as_str()),
        Value::Object(object) => object.get("reference").and_then(Value::as_str),
        _ => None,
    };
    if let Some(id) = text.and_then(|text| text.strip_prefix('#')) {
        return contained(item.resource, id).or_else(|| contained(root, id));
    }
    let named = text.and_then(reference_type).or_else(|| {
        let kind = item.value.get("type")?.as_str()?;
        ResourceType::find(kind.rsplit('/').next()?)
    })?;
    Some(Item { type_name: named.name(), remote: true, ..item })
}

fn contained<'a>(resource: &'a Value, id: &str) -> Option<Item<'a>> {
    let found = if id.is_empty() {
        resource
    } else {
        let named = |one: &&Value| one.get("id").and_then(Value::as_str) == Some(id);
        resource.get("contained")?.items().iter().find(named)?
    };
    let type_name = found.get("resourceType")?.as_str()?;
    Some(Item { parent: Some(resource), ..Item::root(found, type_name) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_type() {
        for (text, kind) in [
            ("Patient/1", Some("Patient")),
            ("https://a.example/fhir/Patient/1", Some("Patient")),
            ("Patient/1/_history/2", Some("Patient")),
            ("https://a.example/Group/Patient/1/_history/2", Some("Patient")),
            ("Patient?identifier=http://a.example/mrn|1", Some("Patient")),
            ("https://a.example/Patient?identifier=x/Group/y", Some("Patient")),
            ("#p", None),
            ("urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", None),
            ("Patient", None),
            ("patient/1", None),
            ("", None),
        ] {
            assert_eq!(reference_type(text).map(ResourceType::name), kind, "{text}");
        }
    }
}
