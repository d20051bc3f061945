//! JSON Patch: an outcome is of the target's type and can be read back.
#![no_main]

use canonical_model::json;
use canonical_model::patch::json_patch;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(input) = json::parse(bytes) else { return };
    let Some([target, patch]) = input.as_array() else { return };
    if let Ok(outcome) = json_patch(target, patch) {
        assert_eq!(outcome.get("resourceType"), target.get("resourceType"));
        assert_eq!(json::parse(outcome.to_text().as_bytes()).expect("our own text"), outcome);
    }
});
