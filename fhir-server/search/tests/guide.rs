//! The guide to searches against the reader of queries, and docs/search.md against the guide.

#![cfg(test)]

use canonical_model::ResourceType;
use conformance::SearchParamKind;
use search::guide::{KINDS, PREFIXES};
use search::query::{Handling, parse};
use search::{Catalogue, Hasher, QueryContext, Terms};

/// Every modifier of R4, with a value that it takes. <https://hl7.org/fhir/R4/search.html#modifiers>
const MODIFIERS: [(&str, &str); 12] = [
    ("missing", "true"),
    ("exact", "a"),
    ("contains", "a"),
    ("text", "a"),
    ("not", "a"),
    ("in", "http://x.example/vs"),
    ("not-in", "http://x.example/vs"),
    ("below", "http://x.example|a"),
    ("above", "http://x.example|a"),
    ("of-type", "s|c|v"),
    ("identifier", "s|v"),
    ("Patient", "1"),
];

/// A parameter of each kind, with a value.
fn sample(kind: SearchParamKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        SearchParamKind::Number => ("RiskAssessment", "probability", "0.5"),
        SearchParamKind::Date => ("Patient", "birthdate", "2000"),
        SearchParamKind::String => ("Patient", "family", "a"),
        SearchParamKind::Token => ("Patient", "gender", "a"),
        SearchParamKind::Reference => ("Observation", "subject", "Patient/1"),
        SearchParamKind::Composite => ("Observation", "code-value-quantity", "a$1"),
        SearchParamKind::Quantity => ("Observation", "value-quantity", "5"),
        SearchParamKind::Uri => ("ValueSet", "url", "http://x.example"),
        SearchParamKind::Special => ("Location", "near", "1|2"),
    }
}

/// The sample, and what else a kind has that takes modifiers of its own.
fn samples(kind: SearchParamKind) -> Vec<(&'static str, &'static str, &'static str)> {
    let canonical = ("QuestionnaireResponse", "questionnaire", "http://x.example/q");
    let other = (kind == SearchParamKind::Reference).then_some(canonical);
    std::iter::once(sample(kind)).chain(other).collect()
}

fn reads(catalogue: &Catalogue, kind: &str, name: &str, value: &str) -> bool {
    let terms = Terms::default();
    let context = QueryContext::new(catalogue, "http://x.example/fhir", Handling::Strict, &terms);
    let kind = ResourceType::find(kind).expect(kind);
    parse(context, kind, &[(name.to_owned(), value.to_owned())]).is_ok()
}

#[test]
fn the_modifiers_are_those_that_are_read() {
    let catalogue = Catalogue::new(Hasher::new(&[3; 16]));
    for guide in KINDS {
        let samples = samples(guide.kind);
        for (kind, code, value) in &samples {
            assert!(reads(&catalogue, kind, code, value), "{kind}?{code}={value}");
        }
        for (modifier, value) in MODIFIERS {
            let told = guide.modifiers.iter().any(|it| {
                let name = if it.name == ":Type" { ":Patient" } else { it.name };
                name.strip_prefix(':') == Some(modifier)
            });
            let told = told || modifier == "missing";
            let read = samples.iter().any(|(kind, code, _)| {
                reads(&catalogue, kind, &format!("{code}:{modifier}"), value)
            });
            assert_eq!(read, told, "{:?}: {modifier}={value}", guide.kind);
        }
    }
}

#[test]
fn the_prefixes_are_those_that_are_read() {
    let catalogue = Catalogue::new(Hasher::new(&[3; 16]));
    for guide in KINDS.iter().filter(|it| it.prefixes) {
        let (kind, code, value) = sample(guide.kind);
        for prefix in PREFIXES.iter().map(|it| it.name).chain(["xx"]) {
            let value = match value.split_once('$') {
                Some((first, last)) => format!("{first}${prefix}{last}"),
                None => format!("{prefix}{value}"),
            };
            assert_eq!(
                reads(&catalogue, kind, code, &value),
                prefix != "xx",
                "{kind}?{code}={value}"
            );
        }
    }
}

#[test]
fn the_page_is_what_the_guide_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/search.md");
    let page = std::fs::read_to_string(path).expect("docs/search.md");
    let (text, _) = page.split_once("\n<!-- ").expect("its mark at the end");
    assert!(text == search::guide::text(), "docs/search.md is stale: run `cargo xtask docs`");
}
