//! From one of FHIRPath's types to another. <http://hl7.org/fhirpath/N1/#conversion>

use super::{Machine, Run};
use crate::fhirpath::item::Item;
use crate::fhirpath::moment;
use crate::fhirpath::plan::{OfOne, Plan};
use crate::fhirpath::quantity::{self, Measure, is_quantity};
use crate::json::{self, Value};

impl<'a> Machine<'a> {
    /// Whether a conversion of the one item yields something.
    pub(super) fn converts(
        &mut self,
        conversion: OfOne,
        arguments: &'a [Plan],
        mark: usize,
        this: Item<'a>,
    ) -> Run<Option<bool>> {
        let Some(item) = self.one(mark)? else { return Ok(None) };
        let unit = self.text_argument(arguments, this)?;
        Ok(Some(converted(conversion, &item, unit).is_some()))
    }
}

/// What a conversion makes of an item; `None` where it has no meaning for it.
pub(super) fn converted(conversion: OfOne, item: &Item<'_>, unit: Option<&str>) -> Option<Value> {
    match conversion {
        OfOne::ToText => match item.value {
            Value::Bool(_) | Value::Number(_) => Some(item.value.to_text().into()),
            Value::String(_) => Some(item.value.clone()),
            quantity if is_quantity(item) => Some(Measure::of(quantity)?.to_text().into()),
            _ => None,
        },
        OfOne::ToInteger => match item.value {
            Value::Bool(truth) => Some(i64::from(*truth).into()),
            Value::Number(number) => {
                number.as_str().parse::<i64>().is_ok().then(|| item.value.clone())
            }
            Value::String(text) => text.parse::<i64>().ok().map(Value::from),
            _ => None,
        },
        OfOne::ToDecimal => match item.value {
            Value::Bool(truth) => json::parse(if *truth { b"1.0" } else { b"0.0" }).ok(),
            Value::Number(_) => Some(item.value.clone()),
            Value::String(text) => decimal(text),
            _ => None,
        },
        OfOne::ToBoolean => truth(item.value).map(Value::from),
        OfOne::ToDate => {
            let moment = moment::date_time(item.as_str()?)?;
            Some(moment.day_alone().to_text().into())
        }
        OfOne::ToDateTime => moment::date_time(item.as_str()?).map(|it| it.to_text().into()),
        OfOne::ToTime => {
            let text = item.as_str()?;
            let text = text.strip_prefix('T').unwrap_or(text);
            moment::time(text).map(|it| it.to_text().into())
        }
        OfOne::ToQuantity => {
            let quantity = match item.value {
                Value::Bool(truth) => {
                    quantity::of(json::parse(if *truth { b"1.0" } else { b"0.0" }).ok()?, "1", true)
                }
                Value::Number(_) => quantity::of(item.value.clone(), "1", true),
                Value::String(text) => read_quantity(text)?,
                value if is_quantity(item) => {
                    Measure::of(value).and_then(|it| it.with(&it.value))?
                }
                _ => return None,
            };
            match unit {
                None => Some(quantity),
                Some(unit) => Measure::of(&quantity)?.converted(unit),
            }
        }
        _ => None,
    }
}

/// `1`, `+1.5`, `-2`: digits before and behind the point.
fn decimal(text: &str) -> Option<Value> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let sign = if text.starts_with('-') { "-" } else { "" };
    let behind = unsigned.find('.').and_then(|at| unsigned.get(at..)).unwrap_or_default();
    let text = format!("{sign}{}{behind}", if whole.is_empty() { "0" } else { whole });
    json::parse(text.as_bytes()).ok()
}

/// `4`, `4 'mg'`, `4 days`.
fn read_quantity(text: &str) -> Option<Value> {
    let end = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '+' | '-')).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    let number = decimal(number)?;
    let unit = unit.trim_start();
    if unit.is_empty() {
        return Some(quantity::of(number, "1", true));
    }
    match unit.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        Some(code) => (!code.is_empty()).then(|| quantity::of(number, code, true)),
        None => quantity::calendar(unit).map(|unit| quantity::of(number, unit, false)),
    }
}

fn truth(value: &Value) -> Option<bool> {
    let text = match value {
        Value::Bool(truth) => return Some(*truth),
        Value::Number(number) => {
            let is = |text| crate::decimal::compare(number.as_str(), text).is_eq();
            return if is("1") { Some(true) } else { is("0").then_some(false) };
        }
        Value::String(text) => text.to_lowercase(),
        _ => return None,
    };
    match text.as_str() {
        "true" | "t" | "yes" | "y" | "1" | "1.0" => Some(true),
        "false" | "f" | "no" | "n" | "0" | "0.0" => Some(false),
        _ => None,
    }
}
