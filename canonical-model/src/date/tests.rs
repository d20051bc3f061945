//! Dates in tables: what they cover, what is refused, how they compare.

use super::*;
use crate::json;

fn read(text: &str) -> PartialDateTime {
    PartialDateTime::parse(text).expect(text)
}

fn millis(text: &str) -> i64 {
    let (lo, _) = read(text).range();
    lo / 1_000
}

#[test]
fn covers_what_was_written() {
    for (text, lo, hi) in [
        ("1970", "1970-01-01T00:00:00.000Z", "1971-01-01T00:00:00.000Z"),
        ("2024-02", "2024-02-01T00:00:00.000Z", "2024-03-01T00:00:00.000Z"),
        ("2024-12", "2024-12-01T00:00:00.000Z", "2025-01-01T00:00:00.000Z"),
        ("2024-02-29", "2024-02-29T00:00:00.000Z", "2024-03-01T00:00:00.000Z"),
        ("9999-12-31", "9999-12-31T00:00:00.000Z", "9999-12-31T23:59:59.999Z"),
        ("0001-01-01", "0001-01-01T00:00:00.000Z", "0001-01-02T00:00:00.000Z"),
        ("2024-01-01T12:30", "2024-01-01T12:30:00.000Z", "2024-01-01T12:31:00.000Z"),
        ("2024-01-01T12:30:05Z", "2024-01-01T12:30:05.000Z", "2024-01-01T12:30:06.000Z"),
        ("2024-01-01T00:30:05+02:00", "2023-12-31T22:30:05.000Z", "2023-12-31T22:30:06.000Z"),
        ("2024-01-01T00:30:05-05:30", "2024-01-01T06:00:05.000Z", "2024-01-01T06:00:06.000Z"),
        ("2024-01-01T12:30:05.25Z", "2024-01-01T12:30:05.250Z", "2024-01-01T12:30:05.260Z"),
        ("2024-01-01T12:30:05.123456789Z", "2024-01-01T12:30:05.123Z", "2024-01-01T12:30:05.123Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z", "2017-01-01T00:00:01.000Z"),
    ] {
        let (from, to) = read(text).range();
        assert!(from < to, "{text}");
        assert_eq!(format_instant(from.div_euclid(1_000)), lo, "{text}");
        assert_eq!(format_instant(to.div_euclid(1_000)), hi, "{text}");
    }
}

#[test]
fn refuses_what_is_no_date() {
    for text in [
        "",
        "0000",
        "24",
        "20245",
        "2024-",
        "2024-13",
        "2024-00",
        "2024-1",
        "2024-02-30",
        "2023-02-29",
        "1900-02-29",
        "2024-04-31",
        "2024-01-01T",
        "2024-01-01T12",
        "2024-01-01T24:00",
        "2024-01-01T12:60",
        "2024-01-01T12:30:61Z",
        "2024-01-01T12:30:05.Z",
        "2024-01-01T12:30:05+2",
        "2024-01-01T12:30:05+15:00",
        "2024-01-01T12:30:05+14:30",
        "2024-01-01 12:30:05Z",
        "2024-01-01T12:30:05ZZ",
        "2024-01-01Z",
        "+2024",
        "２０２４",
        " 2024",
        "2024-01-01t12:30:05Z",
    ] {
        assert!(PartialDateTime::parse(text).is_err(), "{text}");
    }
}

#[test]
fn compares_as_far_as_both_were_written() {
    use Ordering::{Equal, Greater, Less};
    for (a, b, order) in [
        ("2024", "2025", Some(Less)),
        ("2024", "2024", Some(Equal)),
        ("2024", "2024-03", None),
        ("2023", "2024-03", Some(Less)),
        ("2024-04-01", "2024-03", Some(Greater)),
        ("2024-01-01T12:00:00Z", "2024-01-01T13:00:00+01:00", Some(Equal)),
        ("2024-01-01T12:00:00Z", "2024-01-01T12:00:00.000Z", Some(Equal)),
        ("2024-01-01T12:00:00Z", "2024-01-01T12:00:00.001Z", Some(Less)),
    ] {
        assert_eq!(read(a).compare(&read(b)), order, "{a} {b}");
        assert_eq!(read(b).compare(&read(a)), order.map(Ordering::reverse), "{b} {a}");
    }
}

#[test]
fn elements_cover_spans() {
    const OPEN: &str = "open";
    for (text, lo, hi) in [
        (r#""2024""#, "2024", "2025"),
        (r#"{"start":"2024-01","end":"2024-02"}"#, "2024-01", "2024-03"),
        (r#"{"start":"2024-01"}"#, "2024-01", OPEN),
        (r#"{"end":"2024-02-03"}"#, OPEN, "2024-02-04"),
        (r#"{"event":["2024-05","2024-01","2024-03"]}"#, "2024-01", "2024-06"),
        (r#"{"repeat":{"boundsPeriod":{"start":"2023"}}}"#, "2023", OPEN),
        (
            r#"{"event":["2022"],"repeat":{"boundsPeriod":{"start":"2023","end":"2024"}}}"#,
            "2022",
            "2025",
        ),
    ] {
        let span = span_of(&json::parse(text.as_bytes()).expect(text)).expect(text);
        let micros = |end: &str, open| if end == OPEN { open } else { read(end).range().0 };
        assert_eq!(span, Some((micros(lo, i64::MIN), micros(hi, i64::MAX))), "{text}");
    }
    for text in ["{}", "true", r#"{"repeat":{"frequency":1}}"#, r#"{"_start":{"id":"x"}}"#] {
        assert_eq!(
            span_of(&json::parse(text.as_bytes()).expect(text)).expect(text),
            None,
            "{text}"
        );
    }
    for text in [r#""soon""#, r#"{"start":"x"}"#, r#"{"event":["x"]}"#, r#"{"end":7}"#] {
        assert!(span_of(&json::parse(text.as_bytes()).expect(text)).is_err(), "{text}");
    }
}

#[test]
fn instants_are_written_and_read_back() {
    for at in
        [0, -1, 1, 951_782_400_000, 1_709_164_800_123, -62_135_596_800_000, 253_402_300_799_999]
    {
        assert_eq!(millis(&format_instant(at)), at, "{at}");
    }
    assert_eq!(format_instant(i64::MAX), "9999-12-31T23:59:59.999Z");
    assert_eq!(format_instant(i64::MIN), "0000-01-01T00:00:00.000Z");
}
