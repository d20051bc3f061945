//! The package's structure definitions as profiles are made of them: what validation reads of each
//! element, deflated one by one, since a server needs few of them. 0.4 MB of the package's 20.

use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use serde_json::{Map, Value, json};

use crate::index::Packed;
use crate::native::NATIVE;
use crate::package::Package;
use crate::{Built, keep};

/// What a definition keeps.
const OF_DEFINITION: [&str; 8] =
    ["url", "name", "type", "kind", "abstract", "derivation", "baseDefinition", "context"];
/// What an element keeps, besides fixed values and patterns.
const OF_ELEMENT: [&str; 11] = [
    "id",
    "path",
    "sliceName",
    "slicing",
    "min",
    "max",
    "type",
    "contentReference",
    "maxLength",
    "mustSupport",
    "isModifier",
];
const OF_CONSTRAINT: [&str; 4] = ["key", "severity", "human", "expression"];
/// The largest value set that an extensible binding leaves room for.
const MAX_VALUE_SET: &str = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet";

/// All that have a snapshot and describe objects, sorted by URL.
pub(crate) fn read(package: &Package) -> Built<Vec<Packed>> {
    let mut list = Vec::new();
    for definition in package.all::<Map<String, Value>>("StructureDefinition")? {
        let kind = definition.get("kind").and_then(Value::as_str);
        let elements = definition.get("snapshot").and_then(|it| it.get("element"));
        let (Some("resource" | "complex-type"), Some(Value::Array(elements))) = (kind, elements)
        else {
            continue;
        };
        let url = definition.get("url").and_then(Value::as_str).ok_or("a definition has no url")?;
        let elements: Vec<Value> = elements.iter().map(element).collect();
        let mut kept = only(&definition, &OF_DEFINITION);
        kept.insert("snapshot".to_owned(), json!({ "element": elements }));
        let text = Value::Object(kept).to_string();
        let size = u32::try_from(text.len()).map_err(|e| e.to_string())?;
        list.push(Packed { url: keep(url.to_owned()), size, deflated: deflate(&text)?.leak() });
    }
    list.sort_by_key(|packed| packed.url);
    Ok(list)
}

fn deflate(text: &str) -> Built<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes()).map_err(|e| e.to_string())?;
    encoder.finish().map_err(|e| e.to_string())
}

fn only(object: &Map<String, Value>, names: &[&str]) -> Map<String, Value> {
    let kept = object.iter().filter(|(name, _)| names.contains(&name.as_str()));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn element(definition: &Value) -> Value {
    let Some(definition) = definition.as_object() else { return Value::Null };
    let mut kept = only(definition, &OF_ELEMENT);
    for (name, value) in definition {
        if name.starts_with("fixed") || name.starts_with("pattern") {
            kept.insert(name.clone(), value.clone());
        }
    }
    for part in kept.get_mut("type").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(part) = part.as_object_mut() {
            part.remove("extension");
        }
    }
    if let Some(slicing) = kept.get_mut("slicing").and_then(Value::as_object_mut) {
        slicing.remove("description");
    }
    let constraints = definition.get("constraint").and_then(Value::as_array);
    let constraints: Vec<Value> = constraints
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .filter(|it| !NATIVE.iter().any(|key| it.get("key").and_then(Value::as_str) == Some(key)))
        .map(|it| Value::Object(only(it, &OF_CONSTRAINT)))
        .collect();
    if !constraints.is_empty() {
        kept.insert("constraint".to_owned(), constraints.into());
    }
    if let Some(binding) = definition.get("binding").and_then(Value::as_object).and_then(binding) {
        kept.insert("binding".to_owned(), binding);
    }
    Value::Object(kept)
}

/// What a binding asks; an example asks nothing.
fn binding(binding: &Map<String, Value>) -> Option<Value> {
    if binding.get("strength").and_then(Value::as_str) == Some("example") {
        return None;
    }
    let mut kept = only(binding, &["strength", "valueSet"]);
    let extensions = binding.get("extension").and_then(Value::as_array).into_iter().flatten();
    let largest: Vec<Value> = extensions
        .filter(|it| it.get("url").and_then(Value::as_str) == Some(MAX_VALUE_SET))
        .cloned()
        .collect();
    if !largest.is_empty() {
        kept.insert("extension".to_owned(), largest.into());
    }
    Some(Value::Object(kept))
}
