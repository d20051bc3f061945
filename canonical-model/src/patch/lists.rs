//! Elements that repeat, with their partners in step: `given` and `_given` are one list.
//! <https://hl7.org/fhir/R4/json.html#primitive>

use crate::fhirpath::Place;
use crate::json::{Object, Value};

/// One element: its value, and its id and extensions if it is a primitive that has some.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) value: Value,
    pub(super) partner: Value,
}

/// `_given` for `given`.
pub(super) fn partner_key(key: &str) -> String {
    format!("_{key}")
}

/// The list under a key; empty where there is none.
pub(super) fn read(object: &Object, key: &str) -> Vec<Entry> {
    let side = |key: &str| object.get(key).map(Value::items).unwrap_or_default();
    let (values, partners) = (side(key), side(&partner_key(key)));
    let entry = |n| Entry {
        value: values.get(n).cloned().unwrap_or(Value::Null),
        partner: partners.get(n).cloned().unwrap_or(Value::Null),
    };
    (0..values.len().max(partners.len())).map(entry).collect()
}

/// Puts a list under a key; what would hold nothing but nulls is left out.
pub(super) fn write(object: &mut Object, key: &str, entries: Vec<Entry>) {
    let (values, partners): (Vec<Value>, Vec<Value>) =
        entries.into_iter().map(|entry| (entry.value, entry.partner)).unzip();
    for (key, side) in [(key.to_owned(), values), (partner_key(key), partners)] {
        if side.iter().all(|value| matches!(value, Value::Null)) {
            object.remove(&key);
        } else {
            object.set(&key, side);
        }
    }
}

/// What a location leads to, to change.
pub(super) fn find_mut<'a>(mut value: &'a mut Value, location: &[Place]) -> Option<&'a mut Value> {
    for place in location {
        value = match (value, place) {
            (Value::Object(object), Place::Key(key)) => object.get_mut(key)?,
            (Value::Array(items), Place::Index(index)) => items.get_mut(*index)?,
            _ => return None,
        };
    }
    Some(value)
}

/// Takes out what is at a location, with its partner, and what is empty because of it.
pub(super) fn delete(root: &mut Value, location: &[Place]) -> Option<()> {
    let holder = match location {
        [holder @ .., Place::Key(key), Place::Index(index)] => {
            let key = key.strip_prefix('_').unwrap_or(key);
            let object = find_mut(root, holder)?.as_object_mut()?;
            let mut entries = read(object, key);
            if *index >= entries.len() {
                return None;
            }
            entries.remove(*index);
            write(object, key, entries);
            holder
        }
        [holder @ .., Place::Key(key)] => {
            let key = key.strip_prefix('_').unwrap_or(key);
            let object = find_mut(root, holder)?.as_object_mut()?;
            object.remove(key);
            object.remove(&partner_key(key));
            holder
        }
        _ => return None,
    };
    prune(root, holder);
    Some(())
}

/// Takes out an object that holds nothing any more: FHIR knows no empty elements.
fn prune(root: &mut Value, location: &[Place]) {
    let Some(Value::Object(object)) = find_mut(root, location) else { return };
    if !object.is_empty() {
        return;
    }
    match location {
        [holder @ .., Place::Key(key), Place::Index(index)] if key.starts_with('_') => {
            let Some(object) = find_mut(root, holder).and_then(Value::as_object_mut) else {
                return;
            };
            let plain = key.trim_start_matches('_');
            let mut entries = read(object, plain);
            if let Some(entry) = entries.get_mut(*index) {
                entry.partner = Value::Null;
            }
            write(object, plain, entries);
            prune(root, holder);
        }
        [holder @ .., Place::Key(key)] => {
            if let Some(object) = find_mut(root, holder).and_then(Value::as_object_mut) {
                object.remove(key);
            }
            prune(root, holder);
        }
        [] => {}
        _ => drop(delete(root, location)),
    }
}
