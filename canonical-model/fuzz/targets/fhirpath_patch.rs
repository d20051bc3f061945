//! FHIRPath Patch: an outcome is of the target's type and can be read back.
#![no_main]

use std::sync::LazyLock;

use canonical_model::patch::fhirpath_patch;
use canonical_model::{Value, json};
use conformance::Registry;
use libfuzzer_sys::fuzz_target;

static PATIENT: LazyLock<Value> = LazyLock::new(|| {
    json::parse(include_bytes!("../seeds/patient.json")).expect("a patient")
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(parameters) = json::parse(bytes) else { return };
    if let Ok(outcome) = fhirpath_patch(&PATIENT, &parameters, Registry::r4()) {
        assert_eq!(outcome.get("resourceType"), PATIENT.get("resourceType"));
        assert_eq!(json::parse(outcome.to_text().as_bytes()).expect("our own text"), outcome);
    }
});
