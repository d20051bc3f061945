//! The writer: elements in the order of the definitions, whatever order JSON's members have.

use canonical_model::json::{Layout, Object, Value};
use canonical_model::{Error, ResourceType, Result};

use super::names::FHIR;
use super::narrative;
use super::scan::is_character;
use crate::Registry;
use crate::index::{Element, Key, Primitive, Shape, Structure};

/// Appends a resource as XML.
///
/// # Errors
/// 500 where it is none that validation would pass: XML has no place for what FHIR does not define.
pub fn write(resource: &Value, layout: Layout, out: &mut String) -> Result<()> {
    out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    let level = match layout {
        Layout::Compact => None,
        Layout::Pretty => Some(0),
    };
    let mut writer = Writer { registry: Registry::r4(), out };
    writer.new_line(level);
    writer.resource(resource, level, true)?;
    writer.new_line(level);
    Ok(())
}

struct Writer<'o> {
    registry: &'static Registry,
    out: &'o mut String,
}

/// A member of an object, and what stands beside it under `_`.
struct Child<'v> {
    key: &'static Key,
    element: &'static Element,
    kind: &'static Structure,
    value: Option<&'v Value>,
    extra: Option<&'v Value>,
}

fn strange(what: &str) -> Error {
    Error::internal(format!("no XML for what is not FHIR: {what}"))
}

impl Writer<'_> {
    fn resource(&mut self, value: &Value, level: Option<usize>, outermost: bool) -> Result<()> {
        let name = value.get("resourceType").and_then(Value::as_str);
        let kind = name.and_then(ResourceType::find);
        let (Some(structure), Some(object)) =
            (kind.and_then(|kind| self.registry.resource(kind)), value.as_object())
        else {
            return Err(strange("a resource without its type"));
        };
        self.out.push('<');
        self.out.push_str(structure.path);
        if outermost {
            self.attribute("xmlns", FHIR);
        }
        self.object(structure, structure.path, object, level)
    }

    /// The rest of an element whose tag has begun: attributes, children and its end.
    fn object(
        &mut self,
        structure: &'static Structure,
        name: &str,
        object: &Object,
        level: Option<usize>,
    ) -> Result<()> {
        let children = self.children(structure, object)?;
        for child in children.iter().filter(|child| child.element.attribute) {
            let text = child.value.and_then(Value::as_str);
            self.attribute(child.key.name, text.ok_or_else(|| strange(structure.path))?);
        }
        let mut inside = children.iter().filter(|child| !child.element.attribute).peekable();
        if inside.peek().is_none() {
            self.out.push_str("/>");
            return Ok(());
        }
        self.out.push('>');
        for child in inside {
            self.child(child, level.map(|level| level + 1))?;
        }
        self.new_line(level);
        self.end(name);
        Ok(())
    }

    /// The members of an object in the order of their elements.
    fn children<'v>(
        &self,
        structure: &'static Structure,
        object: &'v Object,
    ) -> Result<Vec<Child<'v>>> {
        let mut children: Vec<Child<'v>> = Vec::with_capacity(object.len());
        for (text, value) in object.iter() {
            if text == "resourceType" && structure.shape == Shape::Resource {
                continue;
            }
            let (name, is_extra) = text.strip_prefix('_').map_or((text, false), |it| (it, true));
            let found = structure.key(name).and_then(|key| {
                Some((key, structure.element_of(key)?, self.registry.at(key.structure)?))
            });
            let (key, element, kind) = found.ok_or_else(|| strange(structure.path))?;
            let place = children.iter().position(|child| child.key.name == key.name);
            let place = place.unwrap_or_else(|| {
                children.push(Child { key, element, kind, value: None, extra: None });
                children.len() - 1
            });
            let child = children.get_mut(place).ok_or_else(|| strange(structure.path))?;
            let part = if is_extra { &mut child.extra } else { &mut child.value };
            *part = Some(value);
        }
        children.sort_by_key(|child| child.key.element);
        Ok(children)
    }

    fn child(&mut self, child: &Child<'_>, level: Option<usize>) -> Result<()> {
        let count = |value: Option<&Value>| value.map_or(0, |value| value.items().len());
        for at in 0..count(child.value).max(count(child.extra)) {
            let (value, extra) = (item(child.value, at), item(child.extra, at));
            if value.is_some() || extra.is_some() {
                self.one(child, value, extra, level)?;
            }
        }
        Ok(())
    }

    /// One element with what it holds.
    fn one(
        &mut self,
        child: &Child<'_>,
        value: Option<&Value>,
        extra: Option<&Value>,
        level: Option<usize>,
    ) -> Result<()> {
        let name = child.key.name;
        self.new_line(level);
        match (child.kind.shape, value) {
            (Shape::Primitive(Primitive::Xhtml), Some(Value::String(source))) => {
                narrative::write(source, self.out);
                Ok(())
            }
            (Shape::Primitive(_), _) => self.primitive(child, value, extra, level),
            (_, Some(value)) if self.registry.is_any_resource(child.key.structure) => {
                self.out.push_str(&format!("<{name}>"));
                let inner = level.map(|level| level + 1);
                self.new_line(inner);
                self.resource(value, inner, false)?;
                self.new_line(level);
                self.end(name);
                Ok(())
            }
            (_, Some(Value::Object(object))) if extra.is_none() => {
                self.out.push('<');
                self.out.push_str(name);
                self.object(child.kind, name, object, level)
            }
            _ => Err(strange(name)),
        }
    }

    fn primitive(
        &mut self,
        child: &Child<'_>,
        value: Option<&Value>,
        extra: Option<&Value>,
        level: Option<usize>,
    ) -> Result<()> {
        let name = child.key.name;
        self.out.push('<');
        self.out.push_str(name);
        match value {
            None => {}
            Some(Value::String(text)) => self.attribute("value", text),
            Some(Value::Number(number)) => self.attribute("value", number.as_str()),
            Some(Value::Bool(truth)) => {
                self.attribute("value", if *truth { "true" } else { "false" })
            }
            Some(_) => return Err(strange(name)),
        }
        match extra {
            None => {
                self.out.push_str("/>");
                Ok(())
            }
            Some(Value::Object(extra)) => self.object(child.kind, name, extra, level),
            Some(_) => Err(strange(name)),
        }
    }

    fn attribute(&mut self, name: &str, text: &str) {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        escape(text, self.out);
        self.out.push('"');
    }

    fn end(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    fn new_line(&mut self, level: Option<usize>) {
        if let Some(level) = level {
            self.out.push('\n');
            for _ in 0..level {
                self.out.push_str("  ");
            }
        }
    }
}

/// One of many, or the only one; nothing where JSON only fills its place.
fn item(value: Option<&Value>, at: usize) -> Option<&Value> {
    value.and_then(|value| value.items().get(at)).filter(|it| !matches!(it, Value::Null))
}

/// Appends an attribute's text. White space is written as references, else a reader would see a space; what XML
/// has no character for appears as U+FFFD.
fn escape(text: &str, out: &mut String) {
    let plain = |b: u8| b >= b' ' && !matches!(b, b'&' | b'<' | b'"') && b < 0xef;
    if text.bytes().all(plain) {
        return out.push_str(text);
    }
    for it in text.chars() {
        match it {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            it if is_character(it) => out.push(it),
            _ => out.push(char::REPLACEMENT_CHARACTER),
        }
    }
}
