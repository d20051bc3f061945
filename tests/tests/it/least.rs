//! A resource of each type that has no more than R4 demands, made from the definitions.

use anyhow::{Context, Result, ensure};
use canonical_model::json::Object;
use canonical_model::{ResourceType, Value, object};
use conformance::{Element, Key, Primitive, Registry, Shape, Structure};

/// The resource.
pub(crate) fn least(kind: ResourceType) -> Result<Value> {
    let structure = Registry::r4().resource(kind).context("a structure")?;
    let mut body = object! { "resourceType": kind.name() };
    fill(structure, &mut body, 0)?;
    Ok(body.into())
}

fn fill(structure: &'static Structure, body: &mut Object, depth: usize) -> Result<()> {
    for (place, element) in structure.elements.iter().enumerate() {
        if element.required {
            let key = structure.keys.iter().find(|key| usize::from(key.element) == place);
            add(key.context("a key")?, element, body, depth)?;
        }
    }
    Ok(())
}

fn add(
    key: &'static Key,
    element: &'static Element,
    body: &mut Object,
    depth: usize,
) -> Result<()> {
    let kind = Registry::r4().at(key.structure).context("a structure")?;
    let one = sample(kind, element, depth + 1)?;
    body.set(key.name, if element.many { Value::Array(vec![one]) } else { one });
    Ok(())
}

fn sample(kind: &'static Structure, element: &'static Element, depth: usize) -> Result<Value> {
    ensure!(depth < 12, "{} needs itself", kind.path);
    if let Shape::Primitive(primitive) = kind.shape {
        let codes = Registry::r4().codes(element).and_then(|set| set.codes.first());
        return Ok(codes.map_or_else(|| plain(primitive), |code| Value::from(*code)));
    }
    let mut body = Object::new();
    match kind.path {
        "Reference" => body.set("display", "x"),
        "CodeableConcept" => body.set("text", "x"),
        "Resource" => return least(ResourceType::find("Basic").context("Basic")?),
        _ => fill(kind, &mut body, depth)?,
    }
    if body.is_empty() {
        // It needs nothing in particular, but something.
        let is_plain = |key: &&Key| {
            let inner = Registry::r4().at(key.structure);
            key.name != "id" && inner.is_some_and(Structure::is_primitive)
        };
        let key = kind.keys.iter().find(is_plain).or_else(|| {
            kind.keys
                .iter()
                .find(|key| !matches!(key.name, "id" | "extension" | "modifierExtension"))
        });
        let key = key.context(kind.path)?;
        add(key, kind.element_of(key).context("an element")?, &mut body, depth)?;
    }
    Ok(body.into())
}

fn plain(primitive: Primitive) -> Value {
    match primitive {
        Primitive::Boolean => Value::Bool(true),
        Primitive::Decimal
        | Primitive::Integer
        | Primitive::PositiveInt
        | Primitive::UnsignedInt => Value::from(1_i64),
        Primitive::Base64Binary => "QQ==".into(),
        Primitive::Canonical | Primitive::Uri | Primitive::Url => "urn:x".into(),
        Primitive::Code | Primitive::Id | Primitive::Markdown | Primitive::String => "x".into(),
        Primitive::Date | Primitive::DateTime => "2020-01-01".into(),
        Primitive::Instant => "2020-01-01T00:00:00Z".into(),
        Primitive::Oid => "urn:oid:1.2.3".into(),
        Primitive::Time => "00:00:00".into(),
        Primitive::Uuid => "urn:uuid:c757873d-ec9a-4326-a141-556f43239520".into(),
        Primitive::Xhtml => "<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>".into(),
    }
}
