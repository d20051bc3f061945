//! What the definitions say of a place in a resource.

use crate::fhirpath::{Element, Place, Schema, choice_key};
use crate::json::{Text, Value};

/// An element of a resource: its place and its definition.
#[derive(Debug)]
pub(super) struct Spot<'l> {
    /// Where the object lies that holds it.
    pub(super) holder: &'l [Place],
    /// Its key in JSON, without the partner's underscore: `valueQuantity`.
    pub(super) key: Text,
    /// Its name: `value`.
    pub(super) name: Text,
    pub(super) element: Element,
    /// Its place in the list, where it repeats.
    pub(super) index: Option<usize>,
    /// The type of what is there.
    pub(super) kind: Text,
}

/// The element at a location, or `None` for the resource itself and for what no definition knows.
pub(super) fn spot<'l>(
    schema: &dyn Schema,
    resource: &Value,
    location: &'l [Place],
) -> Option<Spot<'l>> {
    let mut kind = Text::from(resource.get("resourceType")?.as_str()?);
    let mut value = resource;
    let mut found = None;
    let mut at = 0;
    while let Some(Place::Key(key)) = location.get(at) {
        let holder = location.get(..at)?;
        value = value.get(key)?;
        let plain = key.strip_prefix('_').unwrap_or(key);
        let (name, element, own) = definition(schema, &kind, plain)?;
        let index = match location.get(at + 1) {
            Some(Place::Index(index)) => {
                value = value.as_array()?.get(*index)?;
                at += 1;
                Some(*index)
            }
            _ => None,
        };
        kind = match (own.as_str(), value.get("resourceType").and_then(Value::as_str)) {
            ("Resource" | "DomainResource", Some(actual)) => actual.into(),
            _ => own,
        };
        found = Some(Spot { holder, key: plain.into(), name, element, index, kind: kind.clone() });
        at += 1;
    }
    found
}

/// The name, definition and type behind a key.
pub(super) fn definition(
    schema: &dyn Schema,
    parent: &str,
    key: &str,
) -> Option<(Text, Element, Text)> {
    if let Some(element) = schema.element(parent, key).filter(|element| !element.choice) {
        let kind = element.types.first()?.clone();
        return Some((key.into(), element, kind));
    }
    for (at, _) in key.char_indices().filter(|(at, letter)| *at > 0 && letter.is_ascii_uppercase())
    {
        let name = key.get(..at)?;
        let Some(element) = schema.element(parent, name).filter(|element| element.choice) else {
            continue;
        };
        if let Some(kind) = element.types.iter().find(|kind| choice_key(name, kind) == key).cloned()
        {
            return Some((name.into(), element, kind));
        }
    }
    None
}
