//! The functions of one value: conversions, texts, rounding.
//! <http://hl7.org/fhirpath/N1/#conversion>

use super::boundary::{boundary, precision};
use super::conversion::converted;
use super::{Machine, Run};
use crate::decimal::{Arithmetic, reckon};
use crate::fhirpath::item::Item;
use crate::fhirpath::plan::{OfOne, Plan};
use crate::fhirpath::quantity::{Measure, is_quantity, plain, rounded};
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
        let Some(input) = self.one(mark)? else { return Ok(()) };
        input.value.as_str().map_or(Ok(()), |text| self.spend_reading(text))?;
        self.stack.truncate(mark);
        let mut given = Vec::new();
        for argument in arguments {
            self.run(argument, this)?;
            let Some(one) = self.one(mark)? else { return Ok(()) };
            given.push(one.value);
            self.stack.truncate(mark);
        }
        if let Some((value, kind)) = made(function, &input, &given)? {
            self.stack.push(Item::loose(self.keep(value)?, kind));
        }
        Ok(())
    }
}

fn made(function: OfOne, input: &Item<'_>, given: &[&Value]) -> Run<Option<(Value, &'static str)>> {
    use OfOne::{Abs, Ceiling, Exp, Floor, Ln, Log, Power, Round, Sqrt, Truncate};
    let kind = function.yields();
    let value = match function {
        OfOne::ToText | OfOne::ToInteger | OfOne::ToDecimal | OfOne::ToBoolean => {
            converted(function, input, None)
        }
        OfOne::ToDate | OfOne::ToDateTime | OfOne::ToTime => converted(function, input, None),
        OfOne::ToQuantity => {
            let unit = given.first().map(|unit| text(unit)).transpose()?;
            converted(function, input, unit)
        }
        OfOne::LowBoundary | OfOne::HighBoundary => {
            let digits = given.first().map(|digits| whole(digits)).transpose()?;
            return boundary(input, function == OfOne::LowBoundary, digits);
        }
        OfOne::Precision => precision(input)?.map(Value::from),
        Abs if is_quantity(input) => {
            let measure = Measure::of(input.value).ok_or("expected a number")?;
            let value = measure.with(measure.value.trim_start_matches('-'));
            return Ok(value.map(|value| (value, "Quantity")));
        }
        Abs | Truncate | Floor | Ceiling => round(function, number(input.value)?),
        Round => {
            let places = given.first().map_or(Ok(0), |places| whole(places))?;
            let places = usize::try_from(places).map_err(|_| "digits cannot be less than none")?;
            rounded(number(input.value)?, places).and_then(|it| json::parse(it.as_bytes()).ok())
        }
        Sqrt | Exp | Ln | Log | Power => {
            let other = given.first().map(|other| number(other)).transpose()?;
            reals(function, number(input.value)?, other)
        }
        _ => from_text(function, text(input.value)?, given)?,
    };
    Ok(value.map(|value| (value, kind)))
}

fn number(value: &Value) -> Run<&str> {
    value.as_number().map(Number::as_str).ok_or("expected a number")
}

fn whole(value: &Value) -> Run<i64> {
    value.as_number().and_then(Number::to_i64).ok_or("expected a whole number")
}

/// Functions that end in no exact number, but for powers.
fn reals(function: OfOne, text: &str, other: Option<&str>) -> Option<Value> {
    let value: f64 = text.parse().ok()?;
    let other: Option<f64> = other.map(str::parse).transpose().ok()?;
    let outcome = match (function, other) {
        (OfOne::Sqrt, _) => value.sqrt(),
        (OfOne::Exp, _) => value.exp(),
        (OfOne::Ln, _) => value.ln(),
        (OfOne::Log, Some(base)) => value.log(base),
        (OfOne::Power, Some(exponent)) => value.powf(exponent),
        _ => return None,
    };
    json::parse(plain(outcome)?.as_bytes()).ok()
}

fn text(value: &Value) -> Run<&str> {
    value.as_str().ok_or("expected a text")
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
        (OfOne::Encode | OfOne::Decode | OfOne::Escape | OfOne::Unescape, [form, ..]) => {
            return Ok(recoded(function, input, text(form)?).map(Value::from));
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

/// To hexadecimal digits and back, and what HTML and JSON write otherwise.
fn recoded(function: OfOne, input: &str, form: &str) -> Option<String> {
    const HTML: [(&str, &str); 4] =
        [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;")];
    match (function, form) {
        (OfOne::Encode, "hex") => Some(input.bytes().map(|b| format!("{b:02x}")).collect()),
        (OfOne::Decode, "hex") => {
            let pairs = input.as_bytes().chunks(2);
            let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
            String::from_utf8(pairs.map(byte).collect::<Option<_>>()?).ok()
        }
        (OfOne::Escape, "html") => {
            Some(HTML.iter().fold(input.to_owned(), |text, (raw, safe)| text.replace(raw, safe)))
        }
        (OfOne::Unescape, "html") => Some(
            HTML.iter().rev().fold(input.to_owned(), |text, (raw, safe)| text.replace(safe, raw)),
        ),
        (OfOne::Escape, "json") => {
            let written = Value::from(input).to_text();
            written.strip_prefix('"')?.strip_suffix('"').map(str::to_owned)
        }
        (OfOne::Unescape, "json") => {
            json::parse(format!("\"{input}\"").as_bytes()).ok()?.as_str().map(str::to_owned)
        }
        _ => None,
    }
}
