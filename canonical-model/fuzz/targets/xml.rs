//! The XML reader: what passes is written and read back the same, and JSON's reader takes it too.
#![no_main]

use canonical_model::json::{self, Layout};
use conformance::{validate, xml};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(resource) = xml::read(bytes) else { return };
    let text = resource.to_text();
    assert_eq!(json::parse(text.as_bytes()).expect("our own text"), *resource.body());
    if validate(&resource).is_err() {
        return;
    }
    for layout in [Layout::Compact, Layout::Pretty] {
        let mut out = String::new();
        xml::write(resource.body(), layout, &mut out).expect("a valid resource");
        assert_eq!(xml::read(out.as_bytes()).expect("our own text").to_text(), text);
    }
});
