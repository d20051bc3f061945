//! Published R4 resources validate clean. What is refused breaks R4 or a limit of ours and is
//! listed, each with its element.

use std::fs;
use std::path::{Path, PathBuf};

use super::validate;
use canonical_model::Resource;

/// Faults that the samples really have: folder, file, element.
const FLAWED: [(&str, &str, &str); 1] = [
    // Its narrative has a status and no `div`.
    ("fhir-us-core-examples", "diagnosticreport-cbc.json", "DiagnosticReport.text.div"),
];

#[test]
fn samples_are_valid() {
    let Some(root) = shared_data() else { return };
    let mut faults = Vec::new();
    let mut checked = 0;
    for folder in ["fhir-r4-examples", "fhir-us-core-examples", "fhir-synthea"] {
        for file in files(&root.join(folder)) {
            let text = fs::read(&file).expect("a readable file");
            let outcome = Resource::parse(&text).and_then(|resource| validate(&resource));
            checked += 1;
            let name = file.file_name().expect("a name").to_string_lossy().into_owned();
            for issue in outcome.err().into_iter().flat_map(|error| error.issues) {
                let at = issue.expression.unwrap_or_default();
                if !FLAWED.contains(&(folder, &name, &at)) {
                    faults.push(format!("{folder}/{name}: {at}: {}", issue.diagnostics));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    assert!(checked > 300, "only {checked} samples were found");
}

pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a readable folder");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "json"));
    files.sort();
    files
}

pub(crate) fn shared_data() -> Option<PathBuf> {
    let set = std::env::var_os("CAREBRIDGE_SHARED_DATA").map(PathBuf::from);
    let root =
        set.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"));
    if !root.is_dir() {
        println!("SKIPPED: no sample data at {}", root.display());
        return None;
    }
    Some(root)
}
