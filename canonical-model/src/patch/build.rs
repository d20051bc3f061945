//! Builds an element from the parts of an operation.
//! <https://hl7.org/fhir/R4/fhirpatch.html>

use super::inapplicable;
use super::lists::{self, Entry, partner_key};
use crate::fhirpath::{Element, Schema, choice_key};
use crate::json::{Object, Text, Value};
use crate::{Error, Result};

/// An element's key in JSON and its content.
pub(super) struct Built {
    pub(super) key: Text,
    pub(super) entry: Entry,
}

/// Builds what a part holds, as an element of this name and definition.
pub(super) fn build(
    schema: &dyn Schema,
    name: &str,
    element: &Element,
    part: &Object,
) -> Result<Built> {
    if let Some(parts) = part.get("part") {
        let kind = sole_type(element)?;
        let value = from_parts(schema, kind, parts.items())?;
        return Ok(Built { key: name.into(), entry: Entry { value, partner: Value::Null } });
    }
    if let Some(resource) = part.get("resource") {
        if !schema.is_a(sole_type(element)?, "Resource") {
            return Err(wrong_type());
        }
        let entry = Entry { value: resource.clone(), partner: Value::Null };
        return Ok(Built { key: name.into(), entry });
    }
    let slot = |(key, _): (&str, &Value)| {
        let plain = key.strip_prefix('_').unwrap_or(key);
        plain.strip_prefix("value").filter(|kind| !kind.is_empty()).map(|_| Text::from(plain))
    };
    let slot = part.iter().find_map(slot).ok_or_else(|| Error::invalid("a value is missing"))?;
    let entry = Entry {
        value: part.get(&slot).cloned().unwrap_or(Value::Null),
        partner: part.get(&partner_key(&slot)).cloned().unwrap_or(Value::Null),
    };
    let kind = type_of(schema, element, &slot, &entry)?;
    let key = if element.choice { choice_key(name, kind) } else { name.into() };
    Ok(Built { key, entry })
}

/// The type under which a value may stand here: its own, or, where only one is allowed, a type
/// written in the same form (a `string` for a `code`).
fn type_of<'e>(
    schema: &dyn Schema,
    element: &'e Element,
    slot: &str,
    entry: &Entry,
) -> Result<&'e str> {
    let exact = element.types.iter().find(|kind| choice_key("value", kind) == slot);
    let kind = match (exact, element.choice) {
        (Some(kind), _) => kind.as_str(),
        (None, true) => return Err(wrong_type()),
        (None, false) => {
            let kind = sole_type(element)?;
            let written = slot.strip_prefix("value").unwrap_or(slot);
            let simple = is_primitive(kind) && !matches!(entry.value, Value::Object(_));
            if !simple && !schema.is_a(kind, written) && !schema.is_a(written, kind) {
                return Err(wrong_type());
            }
            kind
        }
    };
    let fits = match (&entry.value, kind) {
        (Value::Null, _) => is_primitive(kind) && matches!(entry.partner, Value::Object(_)),
        (Value::Bool(_), kind) => kind == "boolean",
        (Value::Number(_), kind) => {
            matches!(kind, "integer" | "positiveInt" | "unsignedInt" | "decimal")
        }
        (Value::String(_), "boolean" | "integer" | "positiveInt" | "unsignedInt" | "decimal") => {
            false
        }
        (Value::String(_), kind) => is_primitive(kind),
        (Value::Object(_), kind) => !is_primitive(kind),
        (Value::Array(_), _) => false,
    };
    if fits { Ok(kind) } else { Err(wrong_type()) }
}

/// An object from named parts, each of which is built in turn.
fn from_parts(schema: &dyn Schema, kind: &str, parts: &[Value]) -> Result<Value> {
    if is_primitive(kind) {
        return Err(wrong_type());
    }
    let mut object = Object::new();
    for part in parts {
        let part = part.as_object().ok_or_else(|| Error::invalid("a part is an object"))?;
        let name = part.get("name").and_then(Value::as_str);
        let name = name.ok_or_else(|| Error::invalid("a part has no name"))?;
        let (name, element) = element(schema, kind, name)?;
        let built = build(schema, name, &element, part)?;
        insert(&mut object, name, &element, built)?;
    }
    if object.is_empty() {
        return Err(Error::invalid("a value is missing"));
    }
    Ok(object.into())
}

/// The definition of a name, which may be written as `value[x]`.
pub(super) fn element<'n>(
    schema: &dyn Schema,
    kind: &str,
    name: &'n str,
) -> Result<(&'n str, Element)> {
    let name = name.strip_suffix("[x]").unwrap_or(name);
    let tame = name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric());
    let shown = if tame { name } else { "…" };
    let fault = || inapplicable(format!("{kind} has no element `{shown}`"));
    Ok((name, schema.element(kind, name).ok_or_else(fault)?))
}

/// Adds an element to an object: behind its like where it may repeat, else only if it is new.
pub(super) fn insert(
    object: &mut Object,
    name: &str,
    element: &Element,
    built: Built,
) -> Result<()> {
    if element.many {
        let mut entries = lists::read(object, &built.key);
        entries.push(built.entry);
        lists::write(object, &built.key, entries);
        return Ok(());
    }
    let holds = |key: &str| object.get(key).is_some() || object.get(&partner_key(key)).is_some();
    let taken = if element.choice {
        element.types.iter().any(|kind| holds(&choice_key(name, kind)))
    } else {
        holds(name)
    };
    if taken {
        return Err(inapplicable(format!("`{name}` is there already and may not repeat")));
    }
    for (key, value) in
        [(built.key.to_string(), built.entry.value), (partner_key(&built.key), built.entry.partner)]
    {
        if !matches!(value, Value::Null) {
            object.set(&key, value);
        }
    }
    Ok(())
}

fn sole_type(element: &Element) -> Result<&str> {
    match element.types.as_slice() {
        [kind, ..] if !element.choice => Ok(kind),
        _ => Err(wrong_type()),
    }
}

fn is_primitive(kind: &str) -> bool {
    kind.starts_with(|c: char| c.is_ascii_lowercase())
}

fn wrong_type() -> Error {
    inapplicable("the value has a type that is not allowed here")
}
