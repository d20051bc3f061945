//! The functions of one value: conversions, texts, rounding.
//! <http://hl7.org/fhirpath/N1/#conversion>

use super::{Machine, Run};
use crate::decimal::{Arithmetic, reckon};
use crate::fhirpath::item::Item;
use crate::fhirpath::plan::{OfOne, Plan};
use crate::json::{self, Number, Value};
use crate::limits::FHIRPATH_MADE_BYTES_MAX;

impl<'a> Machine<'a> {
    /// Replaces the one item above the mark by what the function makes of it.
    pub(super) fn of_one(
        &mut self,
        function: OfOne,
        arguments: &'a [Plan],
        mark: usize,
        this: Item<'a>,
    ) -> Run {
        let input = match self.above(mark) {
            [] => return Ok(()),
            [one] => one.value,
            _ => return Err("expected one value, found several items"),
        };
        self.stack.truncate(mark);
        let mut given = Vec::new();
        for argument in arguments {
            self.run(argument, this)?;
            match self.above(mark) {
                [one] => given.push(one.value),
                [] => return Ok(()),
                _ => return Err("expected one value, found several items"),
            }
            self.stack.truncate(mark);
        }
        if let Some(value) = made(function, input, &given)? {
            let kind = function.yields();
            self.stack.push(Item::loose(self.keep(value)?, kind));
        }
        Ok(())
    }
}

fn made(function: OfOne, input: &Value, given: &[&Value]) -> Run<Option<Value>> {
    Ok(match function {
        OfOne::ToText => match input {
            Value::Bool(_) | Value::Number(_) => Some(input.to_text().into()),
            Value::String(_) => Some(input.clone()),
            _ => None,
        },
        OfOne::ToInteger => match input {
            Value::Bool(truth) => Some(i64::from(*truth).into()),
            Value::Number(number) => number.to_i64().map(Value::from),
            Value::String(text) => text.parse::<i64>().ok().map(Value::from),
            _ => None,
        },
        OfOne::ToDecimal => match input {
            Value::Bool(truth) => Some(i64::from(*truth).into()),
            Value::Number(_) => Some(input.clone()),
            Value::String(text) => {
                let unsigned = text.strip_prefix('+').unwrap_or(text);
                json::parse(unsigned.as_bytes()).ok().filter(|value| value.as_number().is_some())
            }
            _ => None,
        },
        OfOne::ToBoolean => truth(input).map(Value::from),
        OfOne::Abs | OfOne::Truncate | OfOne::Floor | OfOne::Ceiling => {
            let number = input.as_number().ok_or("expected a number")?;
            round(function, number.as_str())
        }
        _ => Some(from_text(function, text(input)?, given)?).flatten(),
    })
}

fn text(value: &Value) -> Run<&str> {
    value.as_str().ok_or("expected a text")
}

fn truth(value: &Value) -> Option<bool> {
    let text = match value {
        Value::Bool(truth) => return Some(*truth),
        Value::Number(number) => number.as_str().into(),
        Value::String(text) => text.to_lowercase(),
        _ => return None,
    };
    match text.as_str() {
        "true" | "t" | "yes" | "y" | "1" | "1.0" => Some(true),
        "false" | "f" | "no" | "n" | "0" | "0.0" => Some(false),
        _ => None,
    }
}

fn from_text(function: OfOne, input: &str, given: &[&Value]) -> Run<Option<Value>> {
    let count = |text: &str| i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    Ok(Some(match (function, given) {
        (OfOne::Length, _) => count(input).into(),
        (OfOne::Upper, _) => input.to_uppercase().into(),
        (OfOne::Lower, _) => input.to_lowercase().into(),
        (OfOne::Trim, _) => input.trim().into(),
        (OfOne::IndexOf, [part, ..]) => match input.split_once(text(part)?) {
            Some((before, _)) => count(before).into(),
            None => (-1).into(),
        },
        (OfOne::Replace, [old, new, ..]) => {
            let (old, new) = (text(old)?, text(new)?);
            if new.len().saturating_mul(input.len() + 1) > FHIRPATH_MADE_BYTES_MAX {
                return Err("the text becomes too long");
            }
            input.replace(old, new).into()
        }
        (OfOne::Substring, [start, rest @ ..]) => {
            let Some(start) = place(start)?.filter(|start| *start < input.chars().count()) else {
                return Ok(None);
            };
            let length = match rest.first() {
                Some(length) => place(length)?.unwrap_or(0),
                None => usize::MAX,
            };
            input.chars().skip(start).take(length).collect::<String>().into()
        }
        _ => return Ok(None),
    }))
}

/// A position in a text; `None` where it is negative.
fn place(value: &Value) -> Run<Option<usize>> {
    let number = value.as_number().and_then(Number::to_i64).ok_or("expected a whole number")?;
    Ok(usize::try_from(number).ok())
}

fn round(function: OfOne, text: &str) -> Option<Value> {
    let negative = text.starts_with('-');
    let whole = reckon(text, Arithmetic::Quotient, "1")?;
    let rest = reckon(text, Arithmetic::Remainder, "1")?;
    let exact = rest.bytes().all(|b| matches!(b, b'0' | b'.' | b'-'));
    let result = match function {
        OfOne::Abs => text.trim_start_matches('-').to_owned(),
        OfOne::Floor if negative && !exact => reckon(&whole, Arithmetic::Subtract, "1")?,
        OfOne::Ceiling if !negative && !exact => reckon(&whole, Arithmetic::Add, "1")?,
        _ => whole,
    };
    json::parse(result.as_bytes()).ok()
}
