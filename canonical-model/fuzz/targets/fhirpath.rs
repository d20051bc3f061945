//! FHIRPath: an expression is refused or runs within its limits, the same way twice.
#![no_main]

use std::sync::LazyLock;

use canonical_model::fhirpath::{Arena, Path};
use canonical_model::{Value, json};
use conformance::Registry;
use libfuzzer_sys::fuzz_target;

static PATIENT: LazyLock<Value> = LazyLock::new(|| {
    json::parse(include_bytes!("../seeds/patient.json")).expect("a patient")
});

fuzz_target!(|expression: &str| {
    let Ok(path) = Path::compile(expression, "Patient", Registry::r4()) else { return };
    let arena = Arena::new();
    let strict = path.evaluate(&PATIENT, &arena).map(|items| items.len());
    let lenient = path.eval(&PATIENT).len();
    assert!(lenient == 0 || strict.is_ok_and(|count| count == lenient));
    drop(path.locations(&PATIENT));
});
