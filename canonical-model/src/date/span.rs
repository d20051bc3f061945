//! The stretch of time that an element covers, whatever its type.
//! <https://hl7.org/fhir/R4/search.html#date>

use super::PartialDateTime;
use crate::json::Value;
use crate::{Error, Result};

/// `lo <= t < hi`, microseconds since 1970 in UTC. An open end is `i64::MIN` or `i64::MAX`.
pub type Span = (i64, i64);

/// The span of a period: from the start of `start` to the end of `end`; a missing one is open.
///
/// # Errors
/// 400 where an end is no date.
pub fn period_span(start: Option<&str>, end: Option<&str>) -> Result<Span> {
    let lo = start.map(PartialDateTime::parse).transpose()?.map_or(i64::MIN, |date| date.range().0);
    let hi = end.map(PartialDateTime::parse).transpose()?.map_or(i64::MAX, |date| date.range().1);
    Ok((lo, hi))
}

/// The span of an element: a text (`date`, `dateTime`, `instant`), a `Period` or a `Timing`.
/// `None` where the element says nothing about when.
///
/// # Errors
/// 400 where a date within it cannot be read.
pub fn span_of(value: &Value) -> Result<Option<Span>> {
    match value {
        Value::String(text) => PartialDateTime::parse(text).map(|date| Some(date.range())),
        Value::Object(object)
            if object.get("event").is_some() || object.get("repeat").is_some() =>
        {
            timing(value)
        }
        Value::Object(_) => period(value),
        _ => Ok(None),
    }
}

fn period(value: &Value) -> Result<Option<Span>> {
    let end = |name| match value.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(Error::invalid("A period's start and end are dates")),
    };
    match (end("start")?, end("end")?) {
        (None, None) => Ok(None),
        (start, end) => period_span(start, end).map(Some),
    }
}

/// From the first event to the last, widened by the bounds of `repeat`.
fn timing(value: &Value) -> Result<Option<Span>> {
    let mut whole: Option<Span> = None;
    let mut widen = |(lo, hi): Span| {
        let (first, last) = whole.unwrap_or((lo, hi));
        whole = Some((first.min(lo), last.max(hi)));
    };
    for event in value.get("event").map(Value::items).unwrap_or_default() {
        if let Some(text) = event.as_str() {
            widen(PartialDateTime::parse(text)?.range());
        }
    }
    if let Some(bounds) = value.get("repeat").and_then(|repeat| repeat.get("boundsPeriod"))
        && let Some(span) = period(bounds)?
    {
        widen(span);
    }
    Ok(whole)
}
