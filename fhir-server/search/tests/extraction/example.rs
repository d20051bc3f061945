//! Makes an example of a type from its definition: it holds the elements that an expression names, and of
//! the data types below them all that search reads.

use std::collections::HashSet;

use canonical_model::Value;
use canonical_model::json::{Number, Object};
use canonical_model::{Resource, ResourceType, object};
use conformance::{Element, Key, Primitive, Registry, Shape, Structure};

/// Elements within each other.
const DEPTH_MAX: usize = 8;
/// Data types within each other.
const DATATYPE_DEPTH_MAX: usize = 3;

/// What an example is made for.
pub(crate) struct Recipe<'a> {
    /// The names in the expression.
    names: HashSet<&'a str>,
    /// The extension that it asks for.
    extension: Option<&'a str>,
    /// Which of several types, codes and targets is taken.
    variant: usize,
}

impl<'a> Recipe<'a> {
    pub(crate) fn new(expression: &'a str, variant: usize) -> Self {
        let names = expression.split(|c: char| !c.is_ascii_alphanumeric());
        let extension = expression.split_once("xtension('").map(|(_, rest)| rest);
        let extension = extension.and_then(|rest| rest.split('\'').next());
        Self { names: names.collect(), extension, variant }
    }

    /// An example of a resource type.
    pub(crate) fn resource(&self, kind: ResourceType) -> Resource {
        let structure = Registry::r4().resource(kind).expect("every type has a structure");
        let mut body = object! { "resourceType": kind.name(), "id": "x" };
        self.fill(&mut body, structure, (0, 0));
        Resource::from_value(body.into()).expect("an example is a resource")
    }

    fn fill(&self, body: &mut Object, structure: &Structure, depth: (usize, usize)) {
        for element in &structure.elements {
            if body.get(element.name).is_some() || !self.wants(structure, element) {
                continue;
            }
            let index = structure.elements.iter().position(|it| it.name == element.name);
            let mut keys =
                structure.keys.iter().filter(|key| Some(usize::from(key.element)) == index);
            let count = keys.clone().count();
            let key = keys.nth(self.variant % count.max(1));
            if let Some(value) = key.and_then(|key| self.value(key, element, depth)) {
                let key = key.map_or(element.name, |key| key.name);
                body.set(key, if element.many { Value::Array(vec![value]) } else { value });
            }
        }
    }

    /// Of a resource only what is named; of a data type everything but what leads away.
    fn wants(&self, structure: &Structure, element: &Element) -> bool {
        let extended = element.name == "extension" && self.extension.is_some();
        let named = self.names.contains(element.name) || extended;
        match structure.shape {
            Shape::Resource | Shape::Backbone => named,
            _ if extended => false,
            _ => {
                named
                    || !["id", "extension", "modifierExtension", "assigner"].contains(&element.name)
            }
        }
    }

    fn value(&self, key: &Key, element: &Element, depth: (usize, usize)) -> Option<Value> {
        let registry = Registry::r4();
        let structure = registry.at(key.structure)?;
        let (all, datatypes) =
            (depth.0 + 1, depth.1 + usize::from(structure.shape == Shape::Datatype));
        if all > DEPTH_MAX || datatypes > DATATYPE_DEPTH_MAX {
            return None;
        }
        if registry.is_any_resource(key.structure) {
            let kind =
                if self.names.contains("MessageHeader") { "MessageHeader" } else { "Composition" };
            return Some(object! { "resourceType": kind, "id": "y" }.into());
        }
        match structure.shape {
            Shape::Primitive(primitive) => Some(self.primitive(primitive, element)),
            Shape::Abstract => None,
            Shape::Datatype | Shape::Backbone | Shape::Resource => {
                let mut body = Object::default();
                if structure.path == "Reference" {
                    body.set("reference", self.reference(key));
                    body.set("identifier", object! { "system": "http://x.example", "value": "x" });
                } else if structure.path == "Extension" {
                    body.set("url", self.extension.unwrap_or("http://x.example/x"));
                    self.fill(&mut body, structure, (DEPTH_MAX - 3, datatypes));
                } else {
                    self.fill(&mut body, structure, (all, datatypes));
                }
                Some(body.into())
            }
        }
    }

    fn reference(&self, key: &Key) -> String {
        let targets: Vec<&str> = Registry::r4().targets(key).collect();
        let kinds: Vec<&str> = match targets.as_slice() {
            [] | ["Resource"] => ResourceType::all().map(ResourceType::name).collect(),
            some => some.to_vec(),
        };
        format!("{}/x", kinds[self.variant % kinds.len()])
    }

    fn primitive(&self, primitive: Primitive, element: &Element) -> Value {
        if let Some(set) = Registry::r4().codes(element) {
            return Value::from(set.codes[self.variant % set.codes.len()]);
        }
        Value::from(match primitive {
            Primitive::Boolean => return Value::Bool(true),
            Primitive::Decimal
            | Primitive::Integer
            | Primitive::PositiveInt
            | Primitive::UnsignedInt => return Value::Number(Number::from(7)),
            Primitive::Date => "2020-02-02",
            Primitive::DateTime | Primitive::Instant => "2020-02-02T02:02:02Z",
            Primitive::Time => "02:02:02",
            Primitive::Canonical | Primitive::Uri | Primitive::Url => "http://x.example/x",
            Primitive::Oid => "urn:oid:1.2.3",
            Primitive::Uuid => "urn:uuid:c757873d-ec9a-4326-a141-556f43239520",
            _ => "x",
        })
    }
}
