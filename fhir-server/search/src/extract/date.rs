//! Dates, periods and timings, as intervals. <https://hl7.org/fhir/R4/search.html#date>

use canonical_model::Value;
use canonical_model::date::span_of;
use canonical_model::fhirpath::Item;

use super::Sink;
use crate::catalogue::ParamPlan;
use crate::timeline::NO_START;

pub(super) fn take(sink: &mut Sink<'_>, param: &ParamPlan, item: &Item<'_>) {
    if let Some((lo, hi)) = interval(item) {
        let entry = (param.param, lo, hi);
        if sink.has_room() && !sink.entries.dates.contains(&entry) {
            sink.entries.dates.push(entry);
        }
    }
}

/// The stretch of time that an element covers, in microseconds; the end is exclusive, and open for ever where
/// it is open. Of a timing "only the outer limits matter": from the first of its events and bounds to the last.
pub(super) fn interval(item: &Item<'_>) -> Option<(i64, i64)> {
    let is_time = match item.value {
        Value::String(_) => true,
        Value::Object(_) => matches!(item.type_name, "Period" | "Timing"),
        _ => false,
    };
    // What is no date was refused before it was stored.
    let (lo, hi) = is_time.then(|| span_of(item.value).ok()).flatten()??;
    let lo = lo.max(NO_START);
    // A period that ends before it starts is none; it is found by its start, whatever the search goes by.
    Some((lo, hi.max(lo.saturating_add(1))))
}
