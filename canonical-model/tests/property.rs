//! Properties of the readers that hold for whatever is thrown at them.

use canonical_model::Value;
use canonical_model::date::{PartialDateTime, Precision, format_instant};
use canonical_model::decimal::{self, Arithmetic};
use canonical_model::json::{self, Layout};
use proptest::prelude::*;

fn number() -> impl Strategy<Value = Value> {
    "-?(0|[1-9][0-9]{0,17})([.][0-9]{1,12})?([eE][+-]?[0-9]{1,2})?"
        .prop_filter_map("a JSON number", |text| json::parse(text.as_bytes()).ok())
}

fn value() -> impl Strategy<Value = Value> {
    let text = any::<String>().prop_map(|text| text.replace('\0', "")).prop_map(Value::from);
    let leaf = prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), number(), text];
    leaf.prop_recursive(6, 64, 8, |inner| {
        let key = any::<String>().prop_map(|text| text.replace('\0', ""));
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(key, inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A real day, with time and zone, written to the last digit; and where its prefixes may end.
fn date() -> impl Strategy<Value = (String, [usize; 6])> {
    (1_u16..=9999, 1_u8..=12, 1_u8..=28, 0_u8..24, 0_u8..60, 0_u8..60, 0_u32..1_000_000).prop_map(
        |(year, month, day, hour, minute, second, micro)| {
            let text = format!(
                "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micro:06}"
            );
            (text, [4, 7, 10, 16, 19, 22])
        },
    )
}

proptest! {
    #[test]
    fn json_comes_back_as_it_went(value in value()) {
        let mut pretty = String::new();
        json::write(&value, Layout::Pretty, &mut pretty);
        for text in [value.to_text(), pretty] {
            let read = json::parse(text.as_bytes()).expect("our own text");
            prop_assert_eq!(read.to_text(), value.to_text());
            prop_assert_eq!(&read, &value);
        }
    }

    #[test]
    fn readers_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), text in "[-0-9TZ:.+]{0,32}") {
        if let Ok(value) = json::parse(&bytes) {
            prop_assert_eq!(json::parse(value.to_text().as_bytes()).expect("our own text"), value);
        }
        for text in [String::from_utf8_lossy(&bytes).as_ref(), &text] {
            if let Ok(date) = PartialDateTime::parse(text) {
                let (lo, hi) = date.range();
                prop_assert!(lo < hi, "{}", text);
            }
        }
    }

    #[test]
    fn a_coarse_date_covers_the_finer_one((text, ends) in date()) {
        let whole = PartialDateTime::parse(&text).expect("a date");
        prop_assert_eq!(whole.precision(), Precision::Fraction(6));
        let (mut lo, mut hi) = whole.range();
        for end in ends.into_iter().rev() {
            let prefix = PartialDateTime::parse(text.get(..end).expect("ASCII")).expect("a prefix");
            let (from, to) = prefix.range();
            prop_assert!(from <= lo && hi <= to, "{} within {}", text, end);
            (lo, hi) = (from, to);
        }
    }

    #[test]
    fn dates_sort_as_they_are_written((a, _) in date(), (b, _) in date()) {
        let read = |text: &str| PartialDateTime::parse(text).expect("a date");
        prop_assert_eq!(read(&a).compare(&read(&b)), Some(a.cmp(&b)));
        prop_assert_eq!(read(&a).range().cmp(&read(&b).range()), a.cmp(&b));
    }

    #[test]
    fn a_zone_shifts_and_no_more((text, _) in date(), zone in -839_i64..=839) {
        let sign = if zone < 0 { '-' } else { '+' };
        let there = format!("{text}{sign}{:02}:{:02}", zone.abs() / 60, zone.abs() % 60);
        let (lo, hi) = PartialDateTime::parse(&text).expect("a date").range();
        let shift = zone * 60_000_000;
        prop_assert_eq!(PartialDateTime::parse(&there).expect("a date").range(), (lo - shift, hi - shift));
    }

    #[test]
    fn instants_come_back(millis in -62_135_596_800_000_i64..=253_402_300_799_999) {
        let text = format_instant(millis);
        let (lo, hi) = PartialDateTime::parse(&text).expect("our own text").range();
        prop_assert_eq!((lo, hi), (millis * 1_000, (millis + 1) * 1_000));
    }

    #[test]
    fn decimals_agree_with_integers(a in any::<i64>(), b in any::<i64>(), zeros in 0_usize..5) {
        let padded = format!("{b}.{}0", "0".repeat(zeros));
        prop_assert_eq!(decimal::compare(&a.to_string(), &padded), a.cmp(&b));
        let sum = (i128::from(a) + i128::from(b)).to_string();
        prop_assert_eq!(decimal::reckon(&a.to_string(), Arithmetic::Add, &b.to_string()), Some(sum));
    }
}
