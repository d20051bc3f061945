//! Dates, periods and timings, as intervals. <https://hl7.org/fhir/R4/search.html#date>

use canonical_model::Value;
use canonical_model::date::PartialDateTime;
use canonical_model::fhirpath::Item;

use super::Sink;
use crate::catalogue::ParamPlan;

pub(super) fn take(sink: &mut Sink<'_>, param: &ParamPlan, item: &Item<'_>) {
    match (item.value, item.type_name) {
        (Value::String(text), _) => {
            if let Some((lo, hi)) = interval(text) {
                put(sink, param, lo, hi);
            }
        }
        (Value::Object(_), "Period") => take_period(sink, param, item.value),
        (Value::Object(_), "Timing") => take_timing(sink, param, item.value),
        _ => {}
    }
}

fn interval(text: &str) -> Option<(i64, i64)> {
    PartialDateTime::parse(text).ok().map(|date| date.range())
}

/// An open end is open for ever.
fn take_period(sink: &mut Sink<'_>, param: &ParamPlan, period: &Value) {
    let end = |name: &str| period.get(name).and_then(Value::as_str).and_then(interval);
    let (start, end) = (end("start"), end("end"));
    if start.is_none() && end.is_none() {
        return;
    }
    let lo = start.map_or(i64::MIN, |(lo, _)| lo);
    let hi = end.map_or(i64::MAX, |(_, hi)| hi);
    put(sink, param, lo, hi);
}

/// "The outer limits of the events": the specification's rule for a timing.
fn take_timing(sink: &mut Sink<'_>, param: &ParamPlan, timing: &Value) {
    let events = timing.get("event").map(Value::items).unwrap_or_default();
    let outer = events
        .iter()
        .filter_map(|event| event.as_str().and_then(interval))
        .reduce(|(lo, hi), (a, b)| (lo.min(a), hi.max(b)));
    if let Some((lo, hi)) = outer {
        put(sink, param, lo, hi);
    }
    if let Some(period) = timing.get("repeat").and_then(|repeat| repeat.get("boundsPeriod")) {
        take_period(sink, param, period);
    }
}

fn put(sink: &mut Sink<'_>, param: &ParamPlan, lo: i64, hi: i64) {
    let entry = (param.param, lo, hi);
    if sink.has_room() && !sink.entries.dates.contains(&entry) {
        sink.entries.dates.push(entry);
    }
}
