//! A resource of any type with a value in every element that its definition has, all of them one patient's.

use canonical_model::ResourceType;
use conformance::{Element, Key, Primitive, Registry, Shape, Structure};
use serde_json::{Map, Value, json};

/// How deep elements go that need not be there. Deeper ones repeat data types that others have.
const DEPTH: usize = 3;

/// One patient's world: every text is its word, every reference that may lead to a patient leads to its patient, and
/// every other one to the resource of the same id.
#[derive(Clone, Copy)]
pub(crate) struct World {
    pub(crate) id: &'static str,
    pub(crate) word: &'static str,
    pub(crate) date: &'static str,
    pub(crate) number: i32,
}

impl World {
    /// The resource of a type.
    pub(crate) fn resource(&self, kind: ResourceType) -> Option<String> {
        let structure = Registry::r4().resource(kind)?;
        let mut body = Map::new();
        body.insert("resourceType".to_owned(), json!(kind.name()));
        body.insert("id".to_owned(), json!(self.id));
        for element in &structure.elements {
            if let "id" | "meta" | "implicitRules" | "language" | "contained" = element.name {
                continue;
            }
            self.put(&mut body, structure, element, 0);
        }
        body.insert(
            "meta".to_owned(),
            json!({ "tag": [{ "system": "urn:tags", "code": self.word }] }),
        );
        Some(Value::Object(body).to_string())
    }

    fn put(
        &self,
        body: &mut Map<String, Value>,
        parent: &Structure,
        element: &Element,
        depth: usize,
    ) {
        // What must be there must have something in it.
        let depth = if element.required { depth.min(DEPTH - 2) } else { depth };
        let place = parent.elements.iter().position(|it| it.name == element.name);
        let mut keys = parent.keys.iter().filter(|key| Some(usize::from(key.element)) == place);
        let Some(key) = keys.next_back() else { return };
        let is_one_value = Registry::r4().at(key.structure).is_some_and(Structure::is_primitive);
        if depth >= DEPTH && !element.required && !is_one_value {
            return;
        }
        let Some(value) = self.value(element, key, depth) else { return };
        let value = if element.many { json!([value]) } else { value };
        body.insert(key.name.to_owned(), value);
    }

    fn value(&self, element: &Element, key: &Key, depth: usize) -> Option<Value> {
        let registry = Registry::r4();
        let structure = registry.at(key.structure)?;
        match (structure.shape, structure.path) {
            (Shape::Primitive(primitive), _) => {
                let code = registry.codes(element).and_then(|set| set.codes.first());
                Some(code.map_or_else(|| self.primitive(primitive), |code| json!(code)))
            }
            (Shape::Datatype, "Reference") => {
                let targets: Vec<&str> = registry.targets(key).collect();
                let kind = match targets.first() {
                    Some(first) if !targets.contains(&"Patient") && *first != "Resource" => first,
                    _ => "Patient",
                };
                Some(json!({ "reference": format!("{kind}/{}", self.id), "display": self.word }))
            }
            (Shape::Datatype, "Extension") => {
                Some(json!({ "url": "urn:extra", "valueString": self.word }))
            }
            (Shape::Datatype, "Narrative") => {
                let div =
                    format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{}</div>", self.word);
                Some(json!({ "status": "generated", "div": div }))
            }
            (Shape::Datatype | Shape::Backbone, _) => {
                let mut body = Map::new();
                for inner in &structure.elements {
                    if !matches!(inner.name, "id" | "extension" | "modifierExtension") {
                        self.put(&mut body, structure, inner, depth + 1);
                    }
                }
                (!body.is_empty()).then_some(Value::Object(body))
            }
            (Shape::Resource | Shape::Abstract, _) => None,
        }
    }

    fn primitive(&self, primitive: Primitive) -> Value {
        let Self { word, date, number, .. } = self;
        match primitive {
            Primitive::Base64Binary => json!("Q0FOQVJZ"),
            Primitive::Boolean => json!(true),
            Primitive::Date => json!(date),
            Primitive::DateTime | Primitive::Instant => json!(format!("{date}T05:06:07Z")),
            Primitive::Decimal
            | Primitive::Integer
            | Primitive::PositiveInt
            | Primitive::UnsignedInt => {
                json!(number)
            }
            Primitive::Time => json!("05:06:07"),
            Primitive::Oid => json!(format!("urn:oid:1.2.{number}")),
            Primitive::Uuid => json!(format!("urn:uuid:00000000-0000-4000-8000-{number:012}")),
            Primitive::Canonical | Primitive::Uri | Primitive::Url => json!(format!("urn:{word}")),
            Primitive::Code
            | Primitive::Id
            | Primitive::Markdown
            | Primitive::String
            | Primitive::Xhtml => {
                json!(word)
            }
        }
    }
}
