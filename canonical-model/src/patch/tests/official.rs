//! The cases of RFC 6902 and of HL7, from the folder of sample data.

use std::path::PathBuf;

use roxmltree::{Document, Node};

use super::*;
use crate::fhirpath::Schema;
use crate::json::Object;
use crate::patch::lists::partner_key;
use crate::patch::spot::definition;

/// A file of the sample data, or `None` said aloud.
fn sample(name: &str) -> Option<String> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data");
    let root = std::env::var("CAREBRIDGE_SHARED_DATA").unwrap_or_else(|_| beside.to_owned());
    let path = PathBuf::from(root).join("fhir-patch").join(name);
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        eprintln!("SKIPPED: {name} is not there; set CAREBRIDGE_SHARED_DATA");
    }
    text
}

#[test]
fn rfc_6902() {
    let Some(text) = sample("json-patch-tests.json") else { return };
    let mut ran = 0;
    for case in read(&text).items() {
        if case.get("disabled").is_some() {
            continue;
        }
        let name = case.get("comment").and_then(Value::as_str).unwrap_or("unnamed");
        let part = |key| case.get(key).expect(name);
        let outcome = json_patch(part("doc"), part("patch"));
        match case.get("expected") {
            Some(expected) => assert_eq!(&outcome.expect(name), expected, "{name}"),
            None => assert!(outcome.is_err(), "{name}"),
        }
        ran += 1;
    }
    assert!(ran >= 16, "only {ran} cases");
}

#[test]
fn hl7_fhirpath_patch() {
    let Some(text) = sample("fhir-patch-tests.shared.xml") else { return };
    let document = Document::parse(&text).expect("XML");
    let mut ran = 0;
    for case in document.descendants().filter(|node| node.has_tag_name("case")) {
        let name = case.attribute("name").expect("a name");
        let resource = |part: &str| {
            let part = case.children().find(|node| node.has_tag_name(part)).expect(name);
            let node = part.children().find(Node::is_element).expect(name);
            let mut object = Object::new();
            object.set("resourceType", node.tag_name().name());
            members(node, node.tag_name().name(), &mut object);
            Value::Object(object)
        };
        let mut outcome =
            fhirpath_patch(&resource("input"), &resource("diff"), &*FAKE).expect(name);
        if let Some(Value::String(div)) =
            outcome.as_object_mut().and_then(|o| o.get_mut("text")?.as_object_mut()?.get_mut("div"))
        {
            let parsed = Document::parse(div).expect("markup");
            *div = markup(parsed.root_element()).into();
        }
        assert_eq!(outcome, resource("output"), "{name}");
        ran += 1;
    }
    assert!(ran >= 14, "only {ran} cases");
}

/// FHIR's XML as its JSON, as far as these cases need it.
fn members(node: Node<'_, '_>, kind: &str, object: &mut Object) {
    for name in ["id", "url"] {
        if let Some(text) = node.attribute(name) {
            object.set(name, text);
        }
    }
    for child in node.children().filter(Node::is_element) {
        let key = child.tag_name().name();
        let (_, element, kind) = definition(&*FAKE, kind, key).expect(key);
        let mut inner = Object::new();
        let value = if key == "div" {
            markup(child).into()
        } else if let Some(text) = child.attribute("value") {
            members(child, &kind, &mut inner);
            if !inner.is_empty() {
                object.set(&partner_key(key), std::mem::take(&mut inner));
            }
            match kind.as_str() {
                "boolean" | "integer" => read(text),
                _ => text.into(),
            }
        } else {
            members(child, &kind, &mut inner);
            inner.into()
        };
        match object.get_mut(key).and_then(Value::as_array_mut) {
            Some(items) => items.push(value),
            None if element.many => object.set(key, vec![value]),
            None => object.set(key, value),
        }
    }
}

/// Markup without what white space and prefixes make of it.
fn markup(node: Node<'_, '_>) -> String {
    if node.is_text() {
        return node.text().unwrap_or_default().trim().to_owned();
    }
    let name = node.tag_name().name();
    let inner: String = node.children().map(markup).collect();
    let space = if name == "div" { " xmlns=\"http://www.w3.org/1999/xhtml\"" } else { "" };
    format!("<{name}{space}>{inner}</{name}>")
}

/// The fake definitions know what these cases speak of.
#[test]
fn the_definitions_reach() {
    assert!(FAKE.element("Patient", "contact").is_some_and(|element| element.many));
}
