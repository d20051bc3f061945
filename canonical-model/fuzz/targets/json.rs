//! The JSON reader: what passes is written and read back the same.
#![no_main]

use canonical_model::json::{self, Layout};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(value) = json::parse(bytes) {
        let text = value.to_text();
        assert_eq!(json::parse(text.as_bytes()).expect("our own text"), value);
        let mut pretty = String::new();
        json::write(&value, Layout::Pretty, &mut pretty);
        assert_eq!(json::parse(pretty.as_bytes()).expect("our own text").to_text(), text);
    }
});
