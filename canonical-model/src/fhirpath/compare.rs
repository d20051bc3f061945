//! When two items are equal, and which comes first. <http://hl7.org/fhirpath/N1/#equality>

use std::cmp::Ordering;

use super::item::Item;
use crate::date::PartialDateTime;
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
        (Value::String(x), Value::String(y)) => match dates(a, b) {
            Some((x, y)) => Some(x.compare(&y)?.is_eq()),
            None => Some(x == y),
        },
        (Value::Object(_), Value::Object(_)) if is_quantity(a) && is_quantity(b) => {
            Some(order_quantities(a, b)?.is_eq())
        }
        (x, y) => Some(same(x, y)),
    }
}

/// FHIRPath's `~`: texts without regard to case and white space, and never unknown.
pub(super) fn equivalent_items(a: &Item<'_>, b: &Item<'_>) -> bool {
    match (a.value, b.value) {
        (Value::String(x), Value::String(y)) if dates(a, b).is_none() => {
            let words = |text: &str| {
                text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
            };
            words(x) == words(y)
        }
        _ => equal_items(a, b) == Some(true),
    }
}

/// FHIRPath's order: `None` where it cannot be known.
pub(super) fn order_items(a: &Item<'_>, b: &Item<'_>) -> Result<Option<Ordering>, &'static str> {
    match (a.value, b.value) {
        (Value::Null, _) | (_, Value::Null) => Ok(None),
        (Value::Number(x), Value::Number(y)) => Ok(Some(decimal::compare(x.as_str(), y.as_str()))),
        (Value::String(x), Value::String(y)) => match dates(a, b) {
            Some((x, y)) => Ok(x.compare(&y)),
            None => Ok(Some(x.cmp(y))),
        },
        (Value::Object(_), Value::Object(_)) if is_quantity(a) && is_quantity(b) => {
            Ok(order_quantities(a, b))
        }
        _ => Err("these two cannot be put in order"),
    }
}

/// Both items as dates, if either is one by type and both are by form.
fn dates(a: &Item<'_>, b: &Item<'_>) -> Option<(PartialDateTime, PartialDateTime)> {
    let dated = |item: &Item<'_>| matches!(item.type_name, "date" | "dateTime" | "instant");
    if !dated(a) && !dated(b) {
        return None;
    }
    let read = |item: &Item<'_>| PartialDateTime::parse(item.as_str()?).ok();
    Some((read(a)?, read(b)?))
}

fn is_quantity(item: &Item<'_>) -> bool {
    const KINDS: [&str; 7] =
        ["Quantity", "Age", "Count", "Distance", "Duration", "Money", "SimpleQuantity"];
    KINDS.contains(&item.type_name)
}

/// By value where the units are the same.
fn order_quantities(a: &Item<'_>, b: &Item<'_>) -> Option<Ordering> {
    let unit =
        |item: &Item<'_>, name| item.value.get(name).and_then(Value::as_str).map(str::to_owned);
    let code = |item: &Item<'_>| unit(item, "code").or_else(|| unit(item, "unit"));
    if code(a) != code(b) && unit(a, "unit") != unit(b, "unit") {
        return None;
    }
    let number = |item: &Item<'_>| Some(item.value.get("value")?.as_number()?.as_str().to_owned());
    Some(decimal::compare(&number(a)?, &number(b)?))
}
