//! The specification's examples, US Core's and synthetic patients break none of R4's rules. What does is
//! listed, each with its element and why.

use super::{Unknown, Validator};
use crate::profile::Profiles;
use crate::validate::samples::{files, shared_data};
use canonical_model::{Resource, Severity};

/// Rules that the samples really break: file, where the element begins, and the end of what is said.
const BROKEN: [(&str, &str, &str); 6] = [
    // A patient of one id under the URL of another.
    ("Bundle-10bb101f-a121-4264-a920-67be9cb82c74.json", "Bundle.entry[2].fullUrl", FULL_URL),
    // URLs with a prefix that the ids do not have.
    ("Bundle-lri-example.json", "Bundle.entry[", FULL_URL),
    // URLs of versions.
    ("Bundle-bundle-response-simplesummary.json", "Bundle.entry[", "(bdl-8)"),
    ("Bundle-bundle-response.json", "Bundle.entry[", "(bdl-8)"),
    ("Bundle-bundle-transaction.json", "Bundle.entry[", "(bdl-8)"),
    // The element refers to no Procedure.
    (
        "DeviceUseStatement-example.json",
        "DeviceUseStatement.reasonReference[0]",
        "not to Procedure.",
    ),
];
const FULL_URL: &str = "correct one of them.";

#[test]
fn samples_break_no_rule() {
    let Some(root) = shared_data() else { return };
    let profiles = Profiles::new();
    let validator = Validator::new(&profiles, &Unknown);
    let (mut faults, mut checked) = (Vec::new(), 0);
    for folder in ["fhir-r4-examples", "fhir-us-core-examples", "fhir-synthea"] {
        for file in files(&root.join(folder)) {
            let text = std::fs::read(&file).expect("a readable file");
            let resource = Resource::parse(&text).expect("a resource");
            if crate::validate(&resource).is_err() {
                continue; // `validate::samples` lists these.
            }
            checked += 1;
            let name = file.file_name().expect("a name").to_string_lossy().into_owned();
            for issue in validator.judge(&resource, &[]) {
                let at = issue.expression.unwrap_or_default();
                let known = BROKEN.iter().any(|(file, place, end)| {
                    *file == name && at.starts_with(place) && issue.diagnostics.ends_with(end)
                });
                if issue.severity == Severity::Error && !known {
                    faults.push(format!("{folder}/{name}: {at}: {}", issue.diagnostics));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    assert!(checked > 300, "only {checked} samples were found");
}
