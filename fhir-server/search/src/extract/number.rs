//! Numbers and quantities, as the interval their written precision stands for.
//! <https://hl7.org/fhir/R4/search.html#number>

use canonical_model::Value;
use canonical_model::fhirpath::Item;
use canonical_model::json::Number;

use super::Sink;
use crate::catalogue::ParamPlan;
use crate::keys::Param;

pub(super) fn take(sink: &mut Sink<'_>, param: &ParamPlan, item: &Item<'_>) {
    match (item.value, item.type_name) {
        (Value::Number(number), _) => put(sink, param, precision(number)),
        (Value::Object(_), "Range") => take_range(sink, param, item.value),
        (Value::Object(_), _) => take_quantity(sink, param, item.value),
        _ => {}
    }
}

/// A Quantity or one of its profiles, or Money.
fn take_quantity(sink: &mut Sink<'_>, param: &ParamPlan, quantity: &Value) {
    let Some(number) = quantity.get("value").and_then(Value::as_number) else { return };
    put(sink, param, precision(number));
    let part = |name: &str| quantity.get(name).and_then(Value::as_str);
    let system = part("system").unwrap_or_default();
    for code in [part("code"), part("unit"), part("currency")].into_iter().flatten() {
        let plain = sink.hasher.code_facet(param.param, code);
        let exact = sink.hasher.system_code(param.param, system, code);
        sink.facet(plain);
        sink.facet(exact);
    }
}

fn take_range(sink: &mut Sink<'_>, param: &ParamPlan, range: &Value) {
    let end = |name: &str| range.get(name)?.get("value")?.as_number().map(precision);
    let (low, high) = (end("low"), end("high"));
    if low.is_some() || high.is_some() {
        let lo = low.map_or(f64::NEG_INFINITY, |(lo, _)| lo);
        let hi = high.map_or(f64::INFINITY, |(_, hi)| hi);
        put(sink, param, (lo, hi));
    }
}

/// `100` stands for 99.5 to 100.5, `1.00` for 0.995 to 1.005, `1e2` for 50 to 150.
pub(crate) fn precision(number: &Number) -> (f64, f64) {
    let text = number.as_str();
    let (digits, exponent) = match text.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse().unwrap_or(0)),
        None => (text, 0),
    };
    let decimals = digits.split_once('.').map_or(0, |(_, after)| after.len());
    let places = i32::try_from(decimals).unwrap_or(i32::MAX);
    let half = 0.5 * 10f64.powi(exponent - places);
    let value = number.to_f64();
    (value - half, value + half)
}

fn put(sink: &mut Sink<'_>, param: &ParamPlan, (lo, hi): (f64, f64)) {
    if !sink.has_room() {
        return;
    }
    let known = |p: &Param| sink.entries.numbers.contains(&(*p, lo, hi));
    if !known(&param.param) && !param.parts.iter().any(known) {
        sink.entries.numbers.push((param.param, lo, hi));
    }
}
