//! HL7's cases for validators: whether we find a fault where the official validator does, and none where
//! it finds none. <https://github.com/FHIR/fhir-test-cases/tree/master/validator>

use super::{Unknown, Validator};
use crate::profile::Profiles;
use crate::validate::samples::shared_data;
use canonical_model::{Resource, Severity, Value, json};

/// Where we say otherwise, and why.
const DIFFERENT: [(&str, &str); 7] = [
    ("dr-example-org", "it forbids URLs of example.org by an option that we do not have"),
    ("pat-example-extensions", "it refuses unknown extensions by that option; R4 allows them"),
    (
        "questionnaire-enableWhen-dw",
        "que-12 asks for enableBehavior from three conditions on, as R4 writes it; it asks from two on",
    ),
    (
        "contained-resource-bad-id-ignore",
        "it passes over what is contained by an option that we do not have; the id is too long",
    ),
    (
        "encounter-period",
        "from a day to a time of that day: FHIRPath compares these to nothing, and we say that per-1 was not checked",
    ),
    ("xml-bad-entities-json", "we let HTML's named characters pass, which R4's own examples have"),
    ("ref-policy-default-r4", "we refuse urn:uuid: with what is no UUID; it does not look"),
];

/// Whether an outcome has an error.
fn is_refused(outcome: &Value) -> bool {
    let issues = outcome.get("issue").map_or(&[][..], Value::items).iter();
    let severities = issues.filter_map(|it| it.get("severity")?.as_str());
    severities.into_iter().any(|it| matches!(it, "error" | "fatal"))
}

/// What we find wrong.
fn errors(text: &[u8]) -> Vec<String> {
    let resource = match Resource::parse(text).and_then(|it| crate::validate(&it).map(|()| it)) {
        Ok(resource) => resource,
        Err(error) => return error.issues.into_iter().map(|it| it.diagnostics).collect(),
    };
    let profiles = Profiles::new();
    let issues = Validator::new(&profiles, &Unknown).judge(&resource, &[]);
    let errors = issues.into_iter().filter(|it| it.severity == Severity::Error);
    errors.map(|it| format!("{}: {}", it.expression.unwrap_or_default(), it.diagnostics)).collect()
}

#[test]
fn the_official_cases() {
    let Some(root) = shared_data() else { return };
    let folder = root.join("validator");
    let manifest = std::fs::read(folder.join("manifest.shared.json")).expect("a manifest");
    let manifest = json::parse(&manifest).expect("JSON");
    let (mut same, mut all, mut unexplained) = (0, 0, Vec::new());
    for case in manifest.items() {
        let part = |name: &str| case.get(name).and_then(Value::as_str).expect("named");
        let read = |path: &str| std::fs::read(folder.join(path)).expect("a file");
        let outcome = json::parse(&read(&format!("outcomes/{}", part("java")))).expect("JSON");
        let wanted = is_refused(&outcome);
        let found = errors(&read(&format!("cases/{}", part("file"))));
        all += 1;
        let name = part("name");
        let known = DIFFERENT.iter().find(|(known, _)| *known == name);
        match (wanted == found.is_empty(), known) {
            (false, None) => same += 1,
            (true, Some((_, why))) => println!("{name}: {why}"),
            (false, Some(_)) => unexplained.push(format!("{name}: as the official one now")),
            (true, None) => unexplained.push(format!("{name}: wanted {wanted}, found {found:?}")),
        }
    }
    println!("{same} of {all} cases are judged as by the official validator");
    assert!(unexplained.is_empty(), "{}", unexplained.join("\n"));
}
