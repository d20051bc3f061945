//! Dates, periods and timings, as intervals. <https://hl7.org/fhir/R4/search.html#date>

use canonical_model::Value;
use canonical_model::date::PartialDateTime;
use canonical_model::fhirpath::Item;

use super::Sink;
use crate::catalogue::ParamPlan;
use crate::timeline::NO_START;

pub(super) fn take(sink: &mut Sink<'_>, param: &ParamPlan, item: &Item<'_>) {
    for (lo, hi) in intervals(item) {
        let entry = (param.param, lo, hi);
        if sink.has_room() && !sink.entries.dates.contains(&entry) {
            sink.entries.dates.push(entry);
        }
    }
}

/// The stretches of time that an element covers, in microseconds; the end is exclusive.
pub(super) fn intervals(item: &Item<'_>) -> Vec<(i64, i64)> {
    match (item.value, item.type_name) {
        (Value::String(text), _) => interval(text).into_iter().collect(),
        (Value::Object(_), "Period") => of_period(item.value).into_iter().collect(),
        (Value::Object(_), "Timing") => of_timing(item.value),
        _ => Vec::new(),
    }
}

fn interval(text: &str) -> Option<(i64, i64)> {
    PartialDateTime::parse(text).ok().map(|date| date.range())
}

/// An open end is open for ever.
fn of_period(period: &Value) -> Option<(i64, i64)> {
    let end = |name: &str| period.get(name).and_then(Value::as_str).and_then(interval);
    match (end("start"), end("end")) {
        (None, None) => None,
        (start, end) => {
            Some((start.map_or(NO_START, |(lo, _)| lo), end.map_or(i64::MAX, |(_, hi)| hi)))
        }
    }
}

/// "The outer limits of the events": the specification's rule for a timing.
fn of_timing(timing: &Value) -> Vec<(i64, i64)> {
    let events = timing.get("event").map(Value::items).unwrap_or_default();
    let outer = events
        .iter()
        .filter_map(|event| event.as_str().and_then(interval))
        .reduce(|(lo, hi), (a, b)| (lo.min(a), hi.max(b)));
    let bounds = timing.get("repeat").and_then(|repeat| repeat.get("boundsPeriod"));
    outer.into_iter().chain(bounds.and_then(of_period)).collect()
}
