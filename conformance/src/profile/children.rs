//! The children of an element: each item with its type, its partner, and where it stands.

use canonical_model::Value;
use canonical_model::json::Object;

use super::walk::At;
use crate::Registry;
use crate::index::{Element, Key};

static NULL: Value = Value::Null;

/// All items of one child.
pub(super) struct Group<'a> {
    pub(super) element: &'static Element,
    /// The key of the first item: a choice has one.
    pub(super) key: &'static Key,
    pub(super) items: Vec<Item<'a>>,
}

#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    pub(super) at: At<'a>,
    /// Its place in a list.
    pub(super) index: Option<usize>,
}

/// The children of an object in the order of its members.
pub(super) fn groups<'a>(at: &At<'a>) -> Vec<Group<'a>> {
    let Some(object) = at.members() else { return Vec::new() };
    let mut groups: Vec<Group<'a>> = Vec::with_capacity(object.len());
    for (name, value) in object.iter() {
        let plain = name.strip_prefix('_');
        if plain.is_some_and(|plain| object.get(plain).is_some()) {
            continue; // It comes with its value.
        }
        let Some(key) = at.structure.key(plain.unwrap_or(name)) else { continue };
        let Some(element) = at.structure.element_of(key) else { continue };
        let (value, partner) = match plain {
            Some(_) => (None, Some(value)),
            None => (Some(value), partner(object, key)),
        };
        let items = items(at, key, element, value, partner);
        groups.push(Group { element, key, items });
    }
    groups
}

/// The items of a child by its name, of a choice without `[x]`.
pub(super) fn named<'a>(at: &At<'a>, name: &str) -> Vec<At<'a>> {
    let found = groups(at).into_iter().filter(|it| it.element.name == name || it.key.name == name);
    found.flat_map(|it| it.items).map(|item| item.at).collect()
}

/// `_birthDate` of `birthDate`.
fn partner<'a>(object: &'a Object, key: &Key) -> Option<&'a Value> {
    let is_it =
        |name: &str| name.len() == key.name.len() + 1 && name.strip_prefix('_') == Some(key.name);
    Registry::r4()
        .at(key.structure)
        .filter(|structure| structure.is_primitive())
        .and_then(|_| object.iter().find(|(name, _)| is_it(name)))
        .map(|(_, value)| value)
}

fn items<'a>(
    at: &At<'a>,
    key: &'static Key,
    element: &'static Element,
    value: Option<&'a Value>,
    partner: Option<&'a Value>,
) -> Vec<Item<'a>> {
    let one = |value: Option<&'a Value>, extension: Option<&'a Value>, index| {
        let extension = extension.filter(|it| **it != Value::Null);
        let at = at.child(key, element, value.unwrap_or(&NULL), extension)?;
        Some(Item { at, index })
    };
    let listed = value.or(partner).is_some_and(|it| it.as_array().is_some());
    if !listed {
        return one(value, partner, None).into_iter().collect();
    }
    let values = value.and_then(Value::as_array).unwrap_or_default();
    let partners = partner.and_then(Value::as_array).unwrap_or_default();
    let all = (0..values.len().max(partners.len()))
        .filter_map(|n| one(values.get(n), partners.get(n), Some(n)));
    all.collect()
}
