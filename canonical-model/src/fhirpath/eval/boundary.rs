//! The least and the most that a value can be that was written with so many digits.
//! <https://hl7.org/fhirpath/#lowboundaryprecision-integer-decimal--date--datetime--time>

use super::Run;
use crate::decimal::{Arithmetic, compare, reckon};
use crate::fhirpath::item::Item;
use crate::fhirpath::moment;
use crate::fhirpath::quantity::{Measure, cut, is_quantity};
use crate::json::{self, Value};

/// Digits behind the point where nothing else is asked for, and the most there are.
const DIGITS: usize = 8;
const DIGITS_MAX: i64 = 28;

/// A boundary and its type; `None` where there is none with so many digits.
pub(super) fn boundary(
    item: &Item<'_>,
    low: bool,
    digits: Option<i64>,
) -> Run<Option<(Value, &'static str)>> {
    let wanted = digits.map(|digits| usize::try_from(digits).ok().filter(|_| digits <= DIGITS_MAX));
    let wanted = match wanted {
        Some(None) => return Ok(None),
        None => None,
        Some(Some(digits)) => Some(digits),
    };
    let text = item.as_str();
    Ok(match (item.value, item.type_name) {
        (Value::Number(number), _) => {
            let value = of_number(number.as_str(), low, wanted.unwrap_or(DIGITS));
            value.and_then(|it| json::parse(it.as_bytes()).ok()).map(|value| (value, "decimal"))
        }
        (quantity, _) if is_quantity(item) => Measure::of(quantity).and_then(|measure| {
            let value = of_number(&measure.value, low, wanted.unwrap_or(DIGITS))?;
            Some((measure.with(&value)?, "Quantity"))
        }),
        (_, "time") => {
            let moment = text.and_then(moment::time);
            moment.and_then(|it| it.boundary(low, wanted, true)).map(|text| (text.into(), "time"))
        }
        (_, kind @ ("date" | "dateTime" | "instant")) => {
            let (moment, timed) = (text.and_then(moment::date_time), kind != "date");
            let kind = if timed { "dateTime" } else { "date" };
            moment.and_then(|it| it.boundary(low, wanted, timed)).map(|text| (text.into(), kind))
        }
        _ => return Err("expected a number, a quantity, a date or a time"),
    })
}

/// Half of the last digit less, or more; then to so many digits, away from the number.
fn of_number(text: &str, low: bool, digits: usize) -> Option<String> {
    let written = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let half = format!("0.{}5", "0".repeat(written));
    let how = if low { Arithmetic::Subtract } else { Arithmetic::Add };
    let end = reckon(text, how, &half)?;
    let short = cut(&end, digits)?;
    let beyond = if low { compare(&short, &end).is_gt() } else { compare(&short, &end).is_lt() };
    if !beyond {
        return Some(short);
    }
    let last = if digits == 0 { "1".to_owned() } else { format!("0.{}1", "0".repeat(digits - 1)) };
    reckon(&short, how, &last)
}

/// How many digits a value is written with: behind the point, or of a date.
pub(super) fn precision(item: &Item<'_>) -> Run<Option<i64>> {
    let digits = match (item.value, item.type_name) {
        (Value::Number(number), _) => {
            Some(number.as_str().split_once('.').map_or(0, |(_, fraction)| fraction.len()))
        }
        (Value::String(text), "time") => moment::time(text).map(|it| it.digits()),
        (Value::String(text), "date" | "dateTime" | "instant") => {
            moment::date_time(text).map(|it| it.digits())
        }
        _ => return Err("expected a number, a date or a time"),
    };
    Ok(digits.and_then(|digits| i64::try_from(digits).ok()))
}
