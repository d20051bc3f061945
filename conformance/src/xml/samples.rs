//! Published resources, from JSON to XML and back and the other way round, the same each time; and as another reader
//! of XML sees what is written.

use std::fs;
use std::path::PathBuf;

use canonical_model::Resource;
use canonical_model::json::{Layout, Value};

use super::{read, write};
use crate::validate;

fn folder(name: &str) -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data");
    let root = std::env::var("CAREBRIDGE_SHARED_DATA").unwrap_or_else(|_| beside.to_owned());
    let folder = PathBuf::from(root).join(name);
    if !folder.is_dir() {
        println!("SKIPPED: no sample data `{name}`; set CAREBRIDGE_SHARED_DATA");
        return None;
    }
    Some(folder)
}

fn files(name: &str, end: &str) -> Vec<PathBuf> {
    let Some(folder) = folder(name) else { return Vec::new() };
    let entries = fs::read_dir(folder).expect("a readable folder");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|it| it == end));
    files.sort();
    files
}

fn xml(value: &Value, layout: Layout) -> String {
    let mut out = String::new();
    write(value, layout, &mut out).expect("a resource");
    out
}

#[test]
fn json_goes_to_xml_and_back() {
    let mut all = 0;
    for name in ["fhir-r4-examples", "fhir-us-core-examples", "fhir-synthea"] {
        for file in files(name, "json") {
            let text = fs::read(&file).expect("a readable file");
            let resource = Resource::parse(&text).expect("a resource");
            for layout in [Layout::Compact, Layout::Pretty] {
                let text = xml(resource.body(), layout);
                roxmltree::Document::parse(&text)
                    .unwrap_or_else(|fault| panic!("{}: {fault}", file.display()));
                let back = read(text.as_bytes())
                    .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
                // Apart from comparing, for that passes over an order.
                assert!(back == resource, "{}", file.display());
                assert_eq!(xml(back.body(), layout), text, "{}", file.display());
            }
            all += 1;
        }
    }
    println!("{all} resources went from JSON to XML and back");
    assert!(folder("fhir-r4-examples").is_none() || all > 300, "{all}");
}

#[test]
fn published_xml_is_read_and_written() {
    for file in files("fhirpath/input", "xml") {
        let text = fs::read(&file).expect("a readable file");
        let resource = read(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        if let Err(error) = validate(&resource) {
            panic!("{}: {error}", file.display());
        }
        let again = read(xml(resource.body(), Layout::Compact).as_bytes()).expect("our own text");
        assert_eq!(again.to_text(), resource.to_text(), "{}", file.display());
    }
}

/// The same resource as its publisher writes it in both forms.
#[test]
fn published_pairs_are_alike() {
    const PAIRS: [(&str, &str); 3] = [
        ("patient-example.xml", "Patient-example.json"),
        ("observation-example.xml", "Observation-example.json"),
        ("questionnaire-example.xml", "Questionnaire-3141.json"),
    ];
    let Some(folder) = folder("fhirpath") else { return };
    for (one, other) in PAIRS {
        let read_file = |path: PathBuf| fs::read(path).expect("a readable file");
        let one = read(&read_file(folder.join("input").join(one))).expect(one).into_body();
        let json = read_file(folder.join("input-json").join(other));
        let other_value = Resource::parse(&json).expect(other).into_body();
        let bare = |value: Value| {
            let Value::Object(mut object) = value else { panic!("{other}: no resource") };
            // Narratives were laid out anew between the two, and an extension was added for tests.
            object.remove("text");
            object.remove("extension");
            Value::Object(object)
        };
        assert_eq!(bare(one).to_text(), bare(other_value).to_text(), "{other}");
    }
}
