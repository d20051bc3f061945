//! The date reader: what passes covers some time, and compares to itself as equal.
#![no_main]

use canonical_model::date::{PartialDateTime, format_instant};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(date) = PartialDateTime::parse(text) {
        let (lo, hi) = date.range();
        assert!(lo < hi);
        assert!(date.compare(&date).is_some_and(|order| order.is_eq()));
        let millis = lo.div_euclid(1_000);
        if let Ok(again) = PartialDateTime::parse(&format_instant(millis)) {
            assert_eq!(again.range().0, millis * 1_000);
        }
    }
});
