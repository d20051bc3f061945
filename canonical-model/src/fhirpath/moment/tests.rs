//! Moments as they are written, and as they move.

use super::*;

#[test]
fn moments_are_read_and_written() {
    for text in [
        "2014",
        "2014-02",
        "2014-02-28",
        "2014-02-28T14",
        "2014-02-28T14:30",
        "2014-02-28T14:30:00",
        "2014-02-28T14:30:00.123",
        "2014-02-28T14:30:00Z",
        "2014-02-28T14:30+10:00",
        "2016-02-29",
    ] {
        assert_eq!(date_time(text).map(Moment::to_text).as_deref(), Some(text));
    }
    for text in [
        "",
        "14",
        "2014-2",
        "2014-13",
        "2014-02-29",
        "2014-02-28T25",
        "2014-02-28Z",
        "2014-02-28T14:30:00.",
        "20145",
    ] {
        assert_eq!(date_time(text), None, "{text}");
    }
    for text in ["14", "14:30", "14:30:00", "14:30:00.123"] {
        assert_eq!(time(text).map(Moment::to_text).as_deref(), Some(text));
    }
    for text in ["", "2", "24:00", "14:30Z", "14:60", "14:30:00.1x"] {
        assert_eq!(time(text), None, "{text}");
    }
}

#[test]
fn moments_move() {
    for (text, span, count, moved) in [
        ("2014-01-31", Span::Months(1), 1, "2014-02-28"),
        ("2016-02-29", Span::Months(12), -1, "2015-02-28"),
        ("2014", Span::Months(1), 24, "2016"),
        ("2014", Span::Months(1), 11, "2014"),
        ("2014-12-31", Span::Micros(DAY), 1, "2015-01-01"),
        ("2014-12-31T23:30:00+02:00", Span::Micros(HOURS), 1, "2015-01-01T00:30:00+02:00"),
        ("2014-12-31T00:00:00.000", Span::Micros(1_000), -1, "2014-12-30T23:59:59.999"),
    ] {
        let outcome = date_time(text).and_then(|it| it.plus(span, count)).map(Moment::to_text);
        assert_eq!(outcome.as_deref(), Some(moved), "{text}");
    }
    assert_eq!(
        time("23:30")
            .and_then(|it| it.plus(Span::Micros(HOURS), 1))
            .map(Moment::to_text)
            .as_deref(),
        Some("00:30")
    );
    assert_eq!(date_time("9999-12-31").and_then(|it| it.plus(Span::Months(12), 1)), None);
}
