//! FHIRPath Patch. <https://hl7.org/fhir/R4/fhirpatch.html>

use super::build::{Built, build, element, insert};
use super::lists::{self, find_mut};
use super::spot::spot;
use super::{fits, inapplicable, same_type};
use crate::fhirpath::{Element, Location, Path, Place, Schema};
use crate::json::{Object, Text, Value};
use crate::limits::{FHIRPATH_STEPS_MAX, PATCH_OPERATIONS_MAX};
use crate::{Error, Kind, Result};

/// Applies the operations of a `Parameters` resource to a copy of the target.
///
/// # Errors
/// 400 where the parameters are no patch or a path cannot be read, 413 where they hold too many
/// operations, 422 where one cannot be applied. Each names the operation.
pub fn fhirpath_patch(target: &Value, parameters: &Value, schema: &dyn Schema) -> Result<Value> {
    if parameters.get("resourceType").and_then(Value::as_str) != Some("Parameters") {
        return Err(Error::invalid("A FHIRPath Patch is a Parameters resource"));
    }
    let operations = parameters.get("parameter").map(Value::items).unwrap_or_default();
    if operations.len() > PATCH_OPERATIONS_MAX {
        return Err(Error::new(Kind::TooLarge, "A patch has at most 1000 operations"));
    }
    let kind = target.get("resourceType").and_then(Value::as_str);
    let kind = kind.ok_or_else(|| Error::invalid("The target of a patch is a resource"))?;
    let mut outcome = target.clone();
    let mut patch = Patch { schema, kind, outcome: &mut outcome, steps_left: FHIRPATH_STEPS_MAX };
    for (n, operation) in operations.iter().enumerate() {
        let applied = Operation::read(operation).and_then(|operation| patch.apply(&operation));
        applied.map_err(|error| error.at(&format!("Parameters.parameter[{n}]")))?;
    }
    same_type(target, outcome)
}

/// What an operation may have.
const PARTS: [&str; 7] = ["type", "path", "name", "value", "index", "source", "destination"];

/// An operation's named parts.
struct Operation<'a> {
    parts: Vec<(&'a str, &'a Object)>,
}

impl<'a> Operation<'a> {
    fn read(parameter: &'a Value) -> Result<Self> {
        let name = |value: &'a Value| value.get("name").and_then(Value::as_str);
        if name(parameter) != Some("operation") {
            return Err(Error::invalid("every parameter of a patch is named `operation`"));
        }
        let mut parts: Vec<(&str, &Object)> = Vec::new();
        for part in parameter.get("part").map(Value::items).unwrap_or_default() {
            let (Some(name), Some(object)) = (name(part), part.as_object()) else {
                return Err(Error::invalid("every part of an operation has a name"));
            };
            if !PARTS.contains(&name) {
                let text =
                    format!("an operation has no part `{name}`; it has {}", PARTS.join(", "));
                return Err(Error::invalid(text));
            }
            if parts.iter().any(|(known, _)| *known == name) {
                return Err(Error::invalid(format!("the part `{name}` is there twice")));
            }
            parts.push((name, object));
        }
        Ok(Self { parts })
    }

    fn part(&self, name: &str) -> Result<&'a Object> {
        let found = self.parts.iter().find(|(known, _)| *known == name).map(|(_, part)| *part);
        found.ok_or_else(|| Error::invalid(format!("the part `{name}` is missing")))
    }

    /// The value of a part, whatever its type.
    fn value(&self, name: &str) -> Result<&'a Value> {
        let value = self.part(name)?.iter().find(|(key, _)| key.starts_with("value"));
        let fault = || Error::invalid(format!("the part `{name}` has no value"));
        value.map(|(_, value)| value).ok_or_else(fault)
    }

    fn text(&self, name: &str) -> Result<&'a str> {
        let text = self.value(name)?.as_str();
        text.ok_or_else(|| Error::invalid(format!("the part `{name}` is a text")))
    }

    fn index(&self, name: &str) -> Result<usize> {
        let number = self.value(name)?.as_number().and_then(crate::json::Number::to_i64);
        let index = number.and_then(|number| usize::try_from(number).ok());
        index.ok_or_else(|| Error::invalid(format!("the part `{name}` is an index from 0")))
    }
}

/// The application of one operation after another.
struct Patch<'a> {
    schema: &'a dyn Schema,
    kind: &'a str,
    outcome: &'a mut Value,
    /// What all operations together may still spend on finding their places.
    steps_left: u32,
}

impl Patch<'_> {
    fn apply(&mut self, operation: &Operation<'_>) -> Result<()> {
        match operation.text("type")? {
            "add" => self.add(operation),
            "insert" => self.insert(operation),
            "delete" => self.delete(operation),
            "replace" => self.replace(operation),
            "move" => self.shift(operation),
            _ => Err(Error::invalid("the type is add, insert, delete, replace or move")),
        }
    }

    /// Where the path leads; two places are as bad as many.
    fn locate(&mut self, operation: &Operation<'_>) -> Result<Vec<Location>> {
        let path = Path::compile(operation.text("path")?, self.kind, self.schema)?;
        path.locations_within(self.outcome, 2, &mut self.steps_left)
    }

    fn add(&mut self, operation: &Operation<'_>) -> Result<()> {
        let location = sole(self.locate(operation)?)?;
        let (name, element) = self.element(&location, operation.text("name")?)?;
        let built = build(self.schema, name, &element, operation.part("value")?)?;
        let location = self.partner_place(location)?;
        room(&location, &built)?;
        insert(self.object(&location)?, name, &element, built)
    }

    fn insert(&mut self, operation: &Operation<'_>) -> Result<()> {
        let (location, name, element) = self.list(operation)?;
        let index = operation.index("index")?;
        let built = build(self.schema, &name, &element, operation.part("value")?)?;
        room(&location, &built)?;
        let object = self.object(&location)?;
        let mut entries = lists::read(object, &name);
        if index > entries.len() {
            return Err(beyond());
        }
        entries.insert(index, built.entry);
        lists::write(object, &name, entries);
        Ok(())
    }

    /// Nothing to delete is no fault; several elements are.
    fn delete(&mut self, operation: &Operation<'_>) -> Result<()> {
        let locations = self.locate(operation)?;
        if locations.is_empty() {
            return Ok(());
        }
        let location = sole(locations)?;
        lists::delete(self.outcome, &location)
            .ok_or_else(|| inapplicable("the resource as a whole cannot be deleted"))
    }

    fn replace(&mut self, operation: &Operation<'_>) -> Result<()> {
        let location = sole(self.locate(operation)?)?;
        let spot = spot(self.schema, self.outcome, &location)
            .ok_or_else(|| inapplicable("the path names no element of this resource"))?;
        let built = build(self.schema, &spot.name, &spot.element, operation.part("value")?)?;
        room(spot.holder, &built)?;
        let object = self.object(spot.holder)?;
        if let Some(index) = spot.index {
            let mut entries = lists::read(object, &spot.key);
            *entries.get_mut(index).ok_or_else(beyond)? = built.entry;
            lists::write(object, &spot.key, entries);
            return Ok(());
        }
        let old = |key: &str| key.strip_prefix('_').unwrap_or(key) == spot.key;
        let place = object.iter().position(|(key, _)| old(key)).unwrap_or(object.len());
        object.retain(|key, _| !old(key));
        let partner = lists::partner_key(&built.key);
        for (key, value) in
            [(partner.as_str(), built.entry.partner), (&built.key, built.entry.value)]
        {
            if !matches!(value, Value::Null) {
                object.set_at(place, key, value);
            }
        }
        Ok(())
    }

    fn shift(&mut self, operation: &Operation<'_>) -> Result<()> {
        let (location, name, _) = self.list(operation)?;
        let (source, destination) = (operation.index("source")?, operation.index("destination")?);
        let object = self.object(&location)?;
        let mut entries = lists::read(object, &name);
        if source.max(destination) >= entries.len() {
            return Err(beyond());
        }
        let entry = entries.remove(source);
        entries.insert(destination, entry);
        lists::write(object, &name, entries);
        Ok(())
    }

    /// The list that a path ends in: the object around it and its definition. The list itself may
    /// be absent, so the path is taken apart before its last name.
    fn list(&mut self, operation: &Operation<'_>) -> Result<(Location, Text, Element)> {
        let path = operation.text("path")?;
        let (holder, name) = Path::compile_list(path, self.kind, self.schema)?;
        let location = sole(holder.locations_within(self.outcome, 2, &mut self.steps_left)?)?;
        let (_, element) = self.element(&location, &name)?;
        if element.many {
            Ok((self.partner_place(location)?, name, element))
        } else {
            Err(inapplicable(format!("`{name}` does not repeat")))
        }
    }

    fn element<'n>(&self, location: &Location, name: &'n str) -> Result<(&'n str, Element)> {
        let spot = spot(self.schema, self.outcome, location);
        let kind = spot.as_ref().map_or(self.kind, |spot| spot.kind.as_str());
        element(self.schema, kind, name)
    }

    fn object(&mut self, location: &[Place]) -> Result<&mut Object> {
        let object = find_mut(self.outcome, location).and_then(Value::as_object_mut);
        object.ok_or_else(|| inapplicable("there is no element that could hold this"))
    }

    /// What is added to a primitive, its extensions, goes into its partner.
    fn partner_place(&mut self, mut location: Location) -> Result<Location> {
        let primitive = !matches!(find_mut(self.outcome, &location), Some(Value::Object(_)));
        if !primitive {
            return Ok(location);
        }
        let fault = || inapplicable("there is no element that could hold this");
        let index = match location.last() {
            Some(Place::Index(index)) => Some(*index),
            _ => None,
        };
        location.truncate(location.len() - usize::from(index.is_some()));
        let Some(Place::Key(key)) = location.pop() else { return Err(fault()) };
        let object = self.object(&location)?;
        let partner = lists::partner_key(key.strip_prefix('_').unwrap_or(&key));
        if object.get(&partner).is_none() {
            let empty =
                if index.is_some() { Value::Array(Vec::new()) } else { Object::new().into() };
            object.set(&partner, empty);
        }
        let held = object.get_mut(&partner).ok_or_else(fault)?;
        location.push(Place::Key(partner.into()));
        if let Some(index) = index {
            let items = held.as_array_mut().ok_or_else(fault)?;
            items.resize(items.len().max(index + 1), Value::Null);
            if let Some(slot @ Value::Null) = items.get_mut(index) {
                *slot = Object::new().into();
            }
            location.push(Place::Index(index));
        }
        Ok(location)
    }
}

fn room(location: &[Place], built: &Built) -> Result<()> {
    fits(location.len() + 2, &built.entry.value)?;
    fits(location.len() + 2, &built.entry.partner)
}

fn sole(mut locations: Vec<Location>) -> Result<Location> {
    match (locations.pop(), locations.is_empty()) {
        (Some(location), true) => Ok(location),
        (None, _) => Err(inapplicable("the path finds no element")),
        (Some(_), false) => Err(inapplicable("the path finds several elements")),
    }
}

fn beyond() -> Error {
    inapplicable("the index lies beyond the list")
}
