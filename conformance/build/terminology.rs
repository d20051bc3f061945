//! The package's code systems and value sets, without what people read in them: codes, hierarchies,
//! properties and how sets are composed. A megabyte of the package's fifty.

use serde_json::{Map, Value, json};

use crate::index::{Definition, Definitions};
use crate::package::Package;
use crate::{Built, keep};

/// What a code system keeps, below its top too.
const OF_CODE_SYSTEM: [&str; 6] =
    ["url", "version", "content", "hierarchyMeaning", "property", "concept"];
/// What a concept keeps.
const OF_CONCEPT: [&str; 3] = ["code", "property", "concept"];
/// What a value set keeps.
const OF_VALUE_SET: [&str; 3] = ["url", "version", "compose"];

/// All of them, sorted by URL.
pub(crate) fn read(package: &Package) -> Built<Definitions> {
    Ok(Definitions {
        code_systems: all(package, "CodeSystem", |mut it| {
            keep_only(&mut it, &OF_CODE_SYSTEM);
            trim(it.get_mut("concept"));
            trim_declared(it.get_mut("property"));
            it
        })?,
        value_sets: all(package, "ValueSet", |mut it| {
            keep_only(&mut it, &OF_VALUE_SET);
            for part in ["include", "exclude"] {
                let sets = it.get_mut("compose").and_then(|it| it.get_mut(part));
                for set in sets.and_then(Value::as_array_mut).into_iter().flatten() {
                    trim(set.get_mut("concept"));
                }
            }
            it
        })?,
    })
}

fn all(
    package: &Package,
    kind: &'static str,
    trimmed: impl Fn(Map<String, Value>) -> Map<String, Value>,
) -> Built<Vec<Definition>> {
    let mut list = Vec::new();
    for mut found in package.all::<Map<String, Value>>(kind)? {
        let part = |name: &str| found.get(name).and_then(Value::as_str).unwrap_or_default();
        let (url, version) = (part("url").to_owned(), part("version").to_owned());
        if url.is_empty() {
            continue;
        }
        found = trimmed(found);
        found.insert("resourceType".to_owned(), json!(kind));
        let text = keep(Value::Object(found).to_string());
        list.push(Definition { url: keep(url), version: keep(version), text });
    }
    list.sort_by_key(|definition| definition.url);
    Ok(list)
}

fn keep_only(object: &mut Map<String, Value>, names: &[&str]) {
    object.retain(|name, _| names.contains(&name.as_str()));
}

fn trim(concepts: Option<&mut Value>) {
    for concept in concepts.and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(concept) = concept.as_object_mut() else { continue };
        keep_only(concept, &OF_CONCEPT);
        trim(concept.get_mut("concept"));
    }
}

/// Of the declaration of properties, their names.
fn trim_declared(properties: Option<&mut Value>) {
    for property in properties.and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(property) = property.as_object_mut() {
            keep_only(property, &["code", "type"]);
        }
    }
}
