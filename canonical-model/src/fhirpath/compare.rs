//! When two items are equal, and which comes first. <http://hl7.org/fhirpath/N1/#equality>

use std::cmp::Ordering;

use super::item::Item;
use super::moment::{self, Moment};
use super::quantity::{Measure, about, is_quantity};
use crate::decimal;
use crate::json::Value;

/// Whether two JSON values are equal: numbers by value, members in any order.
#[must_use]
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            decimal::compare(a.as_str(), b.as_str()) == Ordering::Equal
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        _ => a == b,
    }
}

/// FHIRPath's `=`: `None` where it cannot be known, as for dates of unlike precision.
pub(super) fn equal_items(a: &Item<'_>, b: &Item<'_>) -> Option<bool> {
    match (a.value, b.value) {
        (Value::Null, _) | (_, Value::Null) => None,
        (Value::String(x), Value::String(y)) => match moments(a, b) {
            Some((x, y)) => Some(x.compare(y)?.is_eq()),
            None => Some(x == y),
        },
        (x, y) => match measures(a, b) {
            Some((a, b)) => Some(a.compare(&b)?.is_eq()),
            None => Some(same(x, y)),
        },
    }
}

/// FHIRPath's `~`: texts without regard to case and white space, numbers to the digits that both are written with,
/// and never unknown.
pub(super) fn equivalent_items(a: &Item<'_>, b: &Item<'_>) -> bool {
    match (a.value, b.value) {
        (Value::Number(x), Value::Number(y)) => about(x.as_str(), y.as_str()),
        (Value::String(x), Value::String(y)) if moments(a, b).is_none() => {
            let words = |text: &str| {
                text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
            };
            words(x) == words(y)
        }
        _ => match measures(a, b) {
            Some((a, b)) => a.is_about(&b),
            None => equal_items(a, b) == Some(true),
        },
    }
}

/// FHIRPath's order: `None` where it cannot be known.
pub(super) fn order_items(a: &Item<'_>, b: &Item<'_>) -> Result<Option<Ordering>, &'static str> {
    match (a.value, b.value) {
        (Value::Null, _) | (_, Value::Null) => Ok(None),
        (Value::Number(x), Value::Number(y)) => Ok(Some(decimal::compare(x.as_str(), y.as_str()))),
        (Value::String(x), Value::String(y)) => match moments(a, b) {
            Some((x, y)) => Ok(x.compare(y)),
            None => Ok(Some(x.cmp(y))),
        },
        _ => match measures(a, b) {
            Some((a, b)) => Ok(a.compare(&b)),
            None => Err("these two cannot be put in order"),
        },
    }
}

/// Both items as moments, if either is one by type and both are by form.
fn moments(a: &Item<'_>, b: &Item<'_>) -> Option<(Moment, Moment)> {
    let dated = |item: &Item<'_>| matches!(item.type_name, "date" | "dateTime" | "instant");
    let timed = |item: &Item<'_>| item.type_name == "time";
    let read: fn(&str) -> Option<Moment> = match () {
        () if dated(a) || dated(b) => moment::date_time,
        () if timed(a) || timed(b) => moment::time,
        () => return None,
    };
    Some((read(a.as_str()?)?, read(b.as_str()?)?))
}

/// Both items as quantities, if one is a quantity and the other one too, or a number.
fn measures(a: &Item<'_>, b: &Item<'_>) -> Option<(Measure, Measure)> {
    (is_quantity(a) || is_quantity(b)).then_some(())?;
    Some((Measure::of(a.value)?, Measure::of(b.value)?))
}
