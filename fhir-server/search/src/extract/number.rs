//! Numbers and quantities. <https://hl7.org/fhir/R4/search.html#quantity>
//!
//! A quantity is found by its unit: in UCUM's base units where UCUM knows it, else by system and
//! code, else by name. Without a unit, and by name, it only filters what something else found.

use canonical_model::Value;
use canonical_model::fhirpath::Item;
use canonical_model::json::Number;
use conformance::SearchParamKind;

use super::Sink;
use crate::catalogue::ParamPlan;
use crate::keys::{Aspect, Param};
use crate::measure::{CURRENCIES, of_unit};

/// One way in which an element's number can be asked for.
pub(super) struct Reading<'a> {
    /// Under what aspect of the parameter; none is the bare number.
    pub(super) aspect: Option<Aspect<'a>>,
    pub(super) lo: f64,
    pub(super) hi: f64,
    /// Whether it has a row in the inverted index.
    pub(super) indexed: bool,
}

pub(super) fn take(sink: &mut Sink<'_>, param: &ParamPlan, item: &Item<'_>) {
    for reading in readings(item) {
        put(sink, param, &reading);
    }
}

/// All ways to ask for an element's number.
pub(super) fn readings<'a>(item: &Item<'a>) -> Vec<Reading<'a>> {
    match (item.value, item.type_name) {
        (Value::Number(number), _) => {
            let at = number.to_f64();
            vec![Reading { aspect: None, lo: at, hi: at, indexed: true }]
        }
        (Value::Object(_), "Range") => of_range(item.value),
        (Value::Object(_), _) => of_quantity(item.value),
        _ => Vec::new(),
    }
}

fn of_quantity(quantity: &Value) -> Vec<Reading<'_>> {
    let Some(at) = quantity.get("value").and_then(Value::as_number).map(Number::to_f64) else {
        return Vec::new();
    };
    let (lo, hi) = match quantity.get("comparator").and_then(Value::as_str) {
        Some("<" | "<=") => (f64::NEG_INFINITY, at),
        Some(">" | ">=") => (at, f64::INFINITY),
        _ => (at, at),
    };
    with_unit(quantity, lo, hi)
}

fn of_range(range: &Value) -> Vec<Reading<'_>> {
    let end = |name: &str| range.get(name).filter(|end| end.get("value").is_some());
    let number = |end: &Value| end.get("value").and_then(Value::as_number).map(Number::to_f64);
    let (low, high) = (end("low"), end("high"));
    let Some(unit) = low.or(high) else { return Vec::new() };
    let lo = low.and_then(number).unwrap_or(f64::NEG_INFINITY);
    let hi = high.and_then(number).unwrap_or(f64::INFINITY);
    with_unit(unit, lo, hi)
}

/// The unit is a Quantity's, or one of its profiles', or Money's.
fn with_unit(quantity: &Value, lo: f64, hi: f64) -> Vec<Reading<'_>> {
    let part = |name: &str| quantity.get(name).and_then(Value::as_str);
    let currency = part("currency");
    let code = part("code").or(currency);
    let system = part("system").or(currency.map(|_| CURRENCIES));
    let mut readings = vec![Reading { aspect: None, lo, hi, indexed: false }];
    if let (Some(system), Some(code)) = (system, code) {
        let (aspect, scale) = of_unit(system, code);
        let (lo, hi) = scale.map_or((lo, hi), |scale| (scale.apply(lo), scale.apply(hi)));
        readings.push(Reading { aspect: Some(aspect), lo, hi, indexed: true });
    }
    let alone = readings.len() == 1;
    let unit = part("unit").filter(|unit| code != Some(unit));
    for name in [code, unit].into_iter().flatten() {
        readings.push(Reading { aspect: Some(Aspect::UnitName(name)), lo, hi, indexed: alone });
    }
    readings
}

fn put(sink: &mut Sink<'_>, param: &ParamPlan, reading: &Reading<'_>) {
    if !sink.has_room() {
        return;
    }
    let hasher = sink.hasher;
    let under = |p: Param| reading.aspect.map_or(p, |aspect| hasher.aspect(p, &aspect));
    let entries = &mut sink.entries;
    // Of a number nobody asks for the unit of a range: it is found by the bare one.
    let is_number = param.definition.kind == SearchParamKind::Number;
    let indexed = reading.indexed || (is_number && reading.aspect.is_none());
    let list = if indexed { &mut entries.numbers } else { &mut entries.beside.numbers };
    let known = |p: Param| list.contains(&(under(p), reading.lo, reading.hi));
    if !known(param.param) && !param.parts.iter().copied().any(known) {
        list.push((under(param.param), reading.lo, reading.hi));
    }
}
