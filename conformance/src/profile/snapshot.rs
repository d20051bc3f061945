//! The elements of a profile: its snapshot, or, where it has only a differential, that laid over R4's own
//! definition. Elements that nothing changes inside data types are left out: the type's definition has them.
//! <https://hl7.org/fhir/R4/profiling.html#snapshot>

use canonical_model::{Value, json::Object};

use super::builtin;
use super::compile::bare;
use crate::limits::SNAPSHOT_BYTES_MAX;

/// The elements, and what is wrong where there are none.
pub(super) fn elements(definition: &Value) -> Result<Vec<Value>, &'static str> {
    let list = |name: &str| {
        let part = definition.get(name).and_then(|it| it.get("element"));
        part.and_then(Value::as_array).unwrap_or_default()
    };
    if !list("snapshot").is_empty() {
        return Ok(list("snapshot").to_vec());
    }
    if list("differential").is_empty() {
        return Err("Publish the profile with its snapshot.");
    }
    let base = definition.get("baseDefinition").and_then(Value::as_str).unwrap_or_default();
    let base = builtin::definition(bare(base));
    let base = base.ok_or("Publish the profile with its snapshot: its base is not R4's own.")?;
    let mut elements = self::elements(&base)?;
    // What a slice takes over from what it is a slice of must not multiply without an end.
    let mut bytes_left = SNAPSHOT_BYTES_MAX;
    for change in list("differential") {
        let change = change.as_object().ok_or("An element definition is an object.")?;
        let made = lay(&mut elements, change)?;
        bytes_left = bytes_left.checked_sub(made).ok_or("The snapshot becomes too large.")?;
    }
    Ok(elements)
}

/// Lays one changed element over the others; returns the bytes of what it copied.
fn lay(elements: &mut Vec<Value>, change: &Object) -> Result<usize, &'static str> {
    let id = text(change, "id").ok_or("An element of a differential needs its id.")?;
    if let Some(known) = place(elements, id) {
        let known = elements.get_mut(known);
        return known.map_or(Ok(0), |known| overlay(known, change).map(|()| 0));
    }
    let (parent, last) = id.rsplit_once('.').unwrap_or(("", id));
    let whole = last.split_once(':').map(|(name, _)| format!("{parent}.{name}"));
    let behind = whole.as_deref().unwrap_or(parent);
    if place(elements, behind).is_none() {
        return Err("A changed element stands behind its parent, and that is in the base.");
    }
    // A slice is as what it is a slice of, and what is in it as what is in that.
    let like = whole.clone().unwrap_or_else(|| without_slices(id));
    let like = place(elements, &like).and_then(|at| elements.get(at)).cloned();
    let copied = like.as_ref().map_or(0, |like| like.to_text().len());
    let mut element = like.unwrap_or_else(|| Object::new().into());
    if let Some(object) = element.as_object_mut() {
        object.remove("slicing");
        if whole.is_some() {
            object.set("min", 0_i64);
        }
    }
    overlay(&mut element, change)?;
    let end = elements.iter().rposition(|it| is_within(it, behind)).map_or(0, |at| at + 1);
    elements.insert(end, element);
    Ok(copied)
}

/// What is changed takes the place of what was; rules come besides.
fn overlay(element: &mut Value, change: &Object) -> Result<(), &'static str> {
    let object = element.as_object_mut().ok_or("An element definition is an object.")?;
    for (name, value) in change.iter() {
        match (name, object.get_mut(name)) {
            ("constraint", Some(Value::Array(rules))) => rules.extend_from_slice(value.items()),
            _ => object.set(name, value.clone()),
        }
    }
    Ok(())
}

fn text<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str)
}

fn id(element: &Value) -> &str {
    element.get("id").and_then(Value::as_str).unwrap_or_default()
}

fn place(elements: &[Value], wanted: &str) -> Option<usize> {
    elements.iter().position(|element| id(element) == wanted)
}

/// Whether an element is another, or is below it, or a slice of it.
fn is_within(element: &Value, outer: &str) -> bool {
    let rest = id(element).strip_prefix(outer);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', ':']))
}

/// `Observation.component.code` of `Observation.component:systolic.code`.
fn without_slices(id: &str) -> String {
    let parts: Vec<&str> =
        id.split('.').map(|part| part.split(':').next().unwrap_or(part)).collect();
    parts.join(".")
}
