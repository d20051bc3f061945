//! The reader: a walk over the tags beside the table of structures, which says what each element is in JSON.

use canonical_model::json::{Number, Object, Value};
use canonical_model::limits::JSON_DEPTH_MAX;
use canonical_model::{Resource, ResourceType, Result};

use super::fault::{Fault, Read, refuse};
use super::names::{Names, Space, declared};
use super::narrative;
use super::scan::{Scan, Tag, Token, is_white};
use crate::Registry;
use crate::index::{Element, Key, Primitive, Shape, Structure};

/// Reads a resource that fills the text.
///
/// # Errors
/// 400 with the element's path, line and column: for what is no well-formed XML, or has a DOCTYPE or entities; for
/// elements and attributes that FHIR does not define there; beyond the limits of JSON. Another order than FHIR's is
/// passed over: it has no meaning, and published examples have it.
pub fn read(bytes: &[u8]) -> Result<Resource> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(fault) => {
            return Err(refuse(bytes, &Fault { at: fault.valid_up_to(), what: "not UTF-8" }, ""));
        }
    };
    let refused = |fault, path: &str| refuse(text.as_bytes(), &fault, path);
    let scan = Scan::new(text).map_err(|fault| refused(fault, ""))?;
    let mut reader = Reader { scan, names: Names::new(), registry: Registry::r4(), path: vec![] };
    let value = reader.document().map_err(|fault| refused(fault, &reader.path()))?;
    Resource::from_value(value)
}

/// The name of a text's outermost element, if it begins as XML does.
#[must_use]
pub fn root(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut scan = Scan::new(text.strip_prefix('\u{feff}').unwrap_or(text)).ok()?;
    scan.declaration().ok()?;
    loop {
        match scan.next().ok()? {
            Token::Text(text) if text.trim_matches(is_white).is_empty() => {}
            Token::Open(tag) => return Some(tag.name.rsplit(':').next().unwrap_or(tag.name)),
            _ => return None,
        }
    }
}

const SPACE: &str = "an element outside of FHIR: write xmlns=\"http://hl7.org/fhir\" on the first";
const ATTRIBUTE: &str = "FHIR defines no such attribute here";
const TEXT: &str = "text between elements: a value stands in the attribute value";
const DEEP: &str = "nested deeper than 64 levels";
const ENDS: &str = "the text ends in the middle of an element";

struct Reader<'a> {
    scan: Scan<'a>,
    names: Names<'a>,
    registry: &'static Registry,
    path: Vec<Step<'a>>,
}

/// One step of the path, as `name[0]`.
struct Step<'a> {
    name: &'a str,
    index: Option<usize>,
}

/// A child's key, its element, and the structure of what it holds.
type Defined = (&'static Key, &'static Element, &'static Structure);

/// What has come of one element, that may be many.
struct Group {
    key: &'static Key,
    element: &'static Element,
    values: Vec<Value>,
    /// Beside each value, what JSON has under `_`.
    extras: Vec<Value>,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Read<Value> {
        self.scan.declaration()?;
        let Some(tag) = self.child_tag(None)? else { return self.scan.fail("expected an element") };
        let value = self.resource(&tag, 1)?;
        match self.child_tag(None)? {
            None => Ok(value),
            Some(tag) => {
                Err(Fault { at: tag.at, what: "an element behind the end of the resource" })
            }
        }
    }

    fn path(&self) -> String {
        let mut out = String::new();
        for step in &self.path {
            if !out.is_empty() {
                out.push('.');
            }
            out.push_str(step.name);
            if let Some(index) = step.index {
                out.push_str(&format!("[{index}]"));
            }
        }
        out
    }

    /// The next tag within an element, or `None` at its end; outside of any, at the text's.
    fn child_tag(&mut self, parent: Option<&Tag<'a>>) -> Read<Option<Tag<'a>>> {
        loop {
            let at = self.scan.at;
            return match (self.scan.next()?, parent) {
                (Token::Text(text), _) if text.trim_matches(is_white).is_empty() => continue,
                (Token::Text(_), _) => Err(Fault { at, what: TEXT }),
                (Token::Open(tag), _) => Ok(Some(tag)),
                (Token::Close(name), Some(parent)) if name == parent.name => Ok(None),
                (Token::Close(_), _) => Err(Fault { at, what: "the end of another element" }),
                (Token::End, None) => Ok(None),
                (Token::End, Some(_)) => Err(Fault { at, what: ENDS }),
            };
        }
    }

    fn resource(&mut self, tag: &Tag<'a>, depth: usize) -> Read<Value> {
        let before = self.names.enter(tag)?;
        let (space, name) = self.names.element(tag.name, tag.at)?;
        if space != Space::Fhir {
            return Err(Fault { at: tag.at, what: SPACE });
        }
        let structure = ResourceType::find(name).and_then(|kind| self.registry.resource(kind));
        let Some(structure) = structure else {
            return Err(Fault { at: tag.at, what: "no resource type of FHIR R4 has this name" });
        };
        if self.path.is_empty() {
            self.path.push(Step { name: structure.path, index: None });
        }
        let mut object = Object::new();
        object.set("resourceType", structure.path);
        self.object(structure, tag, &mut object, depth)?;
        self.names.leave(before);
        Ok(object.into())
    }

    /// Fills an object with what an element's attributes and children say.
    fn object(
        &mut self,
        structure: &'static Structure,
        tag: &Tag<'a>,
        object: &mut Object,
        depth: usize,
    ) -> Read<()> {
        if depth > JSON_DEPTH_MAX {
            return Err(Fault { at: tag.at, what: DEEP });
        }
        let said = tag.attributes.iter().filter(|attribute| declared(attribute.name).is_none());
        for attribute in said {
            let (space, name) = self.names.attribute(attribute.name, attribute.at)?;
            let defined = structure.element(name).is_some_and(|element| element.attribute);
            let is_value = structure.is_primitive() && name == "value";
            match space {
                Space::Schema => {}
                Space::None if defined => object.set(name, &*attribute.value),
                Space::None if is_value => {}
                _ => return Err(Fault { at: attribute.at, what: ATTRIBUTE }),
            }
        }
        if tag.empty {
            return Ok(());
        }
        let mut groups = Vec::new();
        while let Some(child) = self.child_tag(Some(tag))? {
            self.child(structure, &child, &mut groups, depth)?;
        }
        groups.sort_by_key(|group| group.key.element);
        groups.into_iter().for_each(|group| group.close(object));
        Ok(())
    }

    /// What an element is, by its name in its parent; it becomes a step of the path.
    fn definition(&mut self, parent: &'static Structure, tag: &Tag<'a>) -> Read<Defined> {
        let fault = |what| Fault { at: tag.at, what };
        let (space, name) = self.names.element(tag.name, tag.at)?;
        let tame = name.len() <= 64 && name.bytes().all(|it| it.is_ascii_alphanumeric());
        self.path.push(Step { name: if tame { name } else { "?" }, index: None });
        let found = parent
            .key(name)
            .and_then(|key| Some((key, parent.element_of(key)?, self.registry.at(key.structure)?)));
        let Some((key, element, kind)) = found else {
            return Err(fault("there is no such element here: remove it or correct its name"));
        };
        let is_narrative = kind.shape == Shape::Primitive(Primitive::Xhtml);
        match space {
            Space::Xhtml if is_narrative => {}
            _ if is_narrative => return Err(fault(narrative::SPACE)),
            Space::Fhir => {}
            _ => return Err(fault(SPACE)),
        }
        if element.attribute {
            return Err(fault("this is an attribute in XML, not an element"));
        }
        if let Some(step) = self.path.last_mut() {
            step.name = element.name;
        }
        Ok((key, element, kind))
    }

    /// Adds what a child says to its group.
    fn child(
        &mut self,
        parent: &'static Structure,
        tag: &Tag<'a>,
        groups: &mut Vec<Group>,
        depth: usize,
    ) -> Read<()> {
        let before = self.names.enter(tag)?;
        let (key, element, kind) = self.definition(parent, tag)?;
        let fault = |what| Fault { at: tag.at, what };
        if depth + usize::from(element.many) > JSON_DEPTH_MAX {
            return Err(fault(DEEP));
        }
        let group = group(groups, key, element).map_err(fault)?;
        if let Some(step) = self.path.last_mut() {
            step.index = element.many.then_some(group.values.len());
        }
        let inner = depth + 1 + usize::from(element.many);
        let (value, extra) = match kind.shape {
            Shape::Primitive(Primitive::Xhtml) => {
                let text = narrative::read(&mut self.scan, &mut self.names, tag)?;
                (Value::from(text), Value::Null)
            }
            Shape::Primitive(primitive) => self.primitive(primitive, kind, tag, inner)?,
            _ if self.registry.is_any_resource(key.structure) => {
                (self.inner_resource(tag, inner)?, Value::Null)
            }
            _ => {
                let mut inside = Object::new();
                self.object(kind, tag, &mut inside, inner)?;
                (inside.into(), Value::Null)
            }
        };
        group.values.push(value);
        group.extras.push(extra);
        self.path.pop();
        self.names.leave(before);
        Ok(())
    }

    /// The value of a primitive, and what JSON has beside it.
    fn primitive(
        &mut self,
        primitive: Primitive,
        structure: &'static Structure,
        tag: &Tag<'a>,
        depth: usize,
    ) -> Read<(Value, Value)> {
        let written = tag.attributes.iter().find(|attribute| attribute.name == "value");
        let value = match written {
            None => Value::Null,
            Some(attribute) => literal(primitive, &attribute.value)
                .map_err(|what| Fault { at: attribute.at, what })?,
        };
        let mut extra = Object::new();
        self.object(structure, tag, &mut extra, depth)?;
        // With neither, an empty object stays: validation says what is missing.
        let nothing = extra.is_empty() && value != Value::Null;
        Ok((value, if nothing { Value::Null } else { extra.into() }))
    }

    /// `<contained><Patient>…</Patient></contained>`.
    fn inner_resource(&mut self, tag: &Tag<'a>, depth: usize) -> Read<Value> {
        const ONE: &str = "expected one resource inside";
        for attribute in &tag.attributes {
            if declared(attribute.name).is_none() {
                return Err(Fault { at: attribute.at, what: ATTRIBUTE });
            }
        }
        let inner = if tag.empty { None } else { self.child_tag(Some(tag))? };
        let Some(inner) = inner else { return Err(Fault { at: tag.at, what: ONE }) };
        let value = self.resource(&inner, depth)?;
        match self.child_tag(Some(tag))? {
            None => Ok(value),
            Some(other) => Err(Fault { at: other.at, what: ONE }),
        }
    }
}

/// The group that an element belongs to: one that is there, or a new one.
///
/// # Errors
/// Where there may be no other.
fn group<'g>(
    groups: &'g mut Vec<Group>,
    key: &'static Key,
    element: &'static Element,
) -> Result<&'g mut Group, &'static str> {
    let place = match groups.iter().position(|group| group.key.element == key.element) {
        Some(place) => place,
        None => {
            groups.push(Group { key, element, values: Vec::new(), extras: Vec::new() });
            groups.len() - 1
        }
    };
    let group = groups.get_mut(place).ok_or("no place for this element")?;
    if group.key.name != key.name {
        return Err("only one type of this choice may be given: leave the others out");
    }
    if !element.many && !group.values.is_empty() {
        return Err("this element occurs twice");
    }
    Ok(group)
}

impl Group {
    /// Puts what came into the object, as JSON has it.
    fn close(self, object: &mut Object) {
        let Self { key, element, mut values, mut extras } = self;
        let some = |list: &[Value]| list.iter().any(|it| *it != Value::Null);
        let (has_values, has_extras) = (some(&values), some(&extras));
        let mut put = |name: &str, list: &mut Vec<Value>| {
            let one = if element.many { None } else { list.pop() };
            object.set(name, one.unwrap_or_else(|| Value::Array(std::mem::take(list))));
        };
        if has_values {
            put(key.name, &mut values);
        }
        if has_extras {
            put(&format!("_{}", key.name), &mut extras);
        }
    }
}

/// What an attribute's text is in JSON.
fn literal(primitive: Primitive, text: &str) -> Result<Value, &'static str> {
    match primitive {
        Primitive::Boolean => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err("no boolean: write true or false"),
        },
        Primitive::Decimal
        | Primitive::Integer
        | Primitive::PositiveInt
        | Primitive::UnsignedInt => Number::parse(text)
            .map(Value::Number)
            .ok_or("no number: write digits, with a point where there is a fraction"),
        _ => Ok(Value::from(text)),
    }
}
