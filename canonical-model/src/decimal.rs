//! Exact decimals as text: compared by value without passing through a float.
//! <https://hl7.org/fhir/R4/datatypes.html#decimal>

use std::cmp::Ordering;

/// A number's parts: `0.digits × 10^exponent`, digits without zeros at either end.
struct Parts<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

impl<'a> Parts<'a> {
    /// Reads what JSON calls a number; anything else gives a value of no meaning, never a panic.
    fn read(text: &'a str) -> Self {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let whole = whole.trim_start_matches('0');
        let mut exponent = exponent.parse().unwrap_or(0_i64);
        let mut fraction = fraction.trim_end_matches('0');
        if whole.is_empty() {
            let significant = fraction.trim_start_matches('0');
            let zeros = i64::try_from(fraction.len() - significant.len()).unwrap_or(0);
            exponent = exponent.saturating_sub(zeros);
            fraction = significant;
        } else {
            exponent = exponent.saturating_add(i64::try_from(whole.len()).unwrap_or(0));
        }
        Self { negative, whole: whole.as_bytes(), fraction: fraction.as_bytes(), exponent }
    }

    fn is_zero(&self) -> bool {
        self.whole.is_empty() && self.fraction.is_empty()
    }

    fn size(&self, other: &Self) -> Ordering {
        let digits = |parts: &Self| {
            let mut digits: Vec<u8> = parts.whole.iter().chain(parts.fraction).copied().collect();
            let end = digits.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
            digits.truncate(end);
            digits
        };
        self.exponent.cmp(&other.exponent).then_with(|| digits(self).cmp(&digits(other)))
    }
}

/// The order of two numbers by value: `1.50` equals `1.5` and `15e-1`.
#[must_use]
pub fn compare(a: &str, b: &str) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    let (a, b) = (Parts::read(a), Parts::read(b));
    match (a.is_zero(), b.is_zero(), a.negative, b.negative) {
        (true, true, _, _) => Ordering::Equal,
        (true, false, _, true) | (false, _, false, true) => Ordering::Greater,
        (true, false, _, false) | (false, _, true, false) => Ordering::Less,
        (false, true, true, true) => Ordering::Less,
        (false, true, false, false) => Ordering::Greater,
        (false, false, false, false) => a.size(&b),
        (false, false, true, true) => b.size(&a),
    }
}

/// What can be done with two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// `a + b`
    Add,
    /// `a - b`
    Subtract,
    /// `a * b`
    Multiply,
    /// `a / b`, to 16 digits behind the point.
    Divide,
    /// `a / b` without its fraction.
    Quotient,
    /// What `Quotient` leaves over.
    Remainder,
}

/// Digits behind the point that a division yields.
const QUOTIENT_DIGITS: u32 = 16;

/// Reckons exactly; `None` where the result does not fit 38 digits, or for a division by zero.
#[must_use]
pub fn reckon(a: &str, how: Arithmetic, b: &str) -> Option<String> {
    let ((a, a_scale), (b, b_scale)) = (scaled(a)?, scaled(b)?);
    let scale = a_scale.max(b_scale);
    let widen = |number: i128, from: u32| number.checked_mul(10_i128.checked_pow(scale - from)?);
    let (wide_a, wide_b) = (widen(a, a_scale)?, widen(b, b_scale)?);
    Some(match how {
        Arithmetic::Add => show(wide_a.checked_add(wide_b)?, scale),
        Arithmetic::Subtract => show(wide_a.checked_sub(wide_b)?, scale),
        Arithmetic::Multiply => show(a.checked_mul(b)?, a_scale + b_scale),
        Arithmetic::Quotient => show(wide_a.checked_div(wide_b)?, 0),
        Arithmetic::Remainder => show(wide_a.checked_rem(wide_b)?, scale),
        Arithmetic::Divide => {
            let long = wide_a.checked_mul(10_i128.pow(QUOTIENT_DIGITS))?.checked_div(wide_b)?;
            let text = show(long, QUOTIENT_DIGITS);
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
    })
}

/// The number as an integer and how many of its digits stand behind the point.
fn scaled(text: &str) -> Option<(i128, u32)> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let number: i128 = format!("{whole}{fraction}").parse().ok()?;
    let scale = i64::try_from(fraction.len()).ok()?.checked_sub(exponent.parse().ok()?)?;
    match u32::try_from(scale) {
        Ok(scale) if scale <= 38 => Some((number, scale)),
        Ok(_) => None,
        Err(_) => {
            let power = u32::try_from(scale.checked_neg()?).ok()?;
            Some((number.checked_mul(10_i128.checked_pow(power)?)?, 0))
        }
    }
}

fn show(number: i128, scale: u32) -> String {
    let sign = if number < 0 { "-" } else { "" };
    let width = usize::try_from(scale).unwrap_or(0);
    let digits = format!("{:0>1$}", number.unsigned_abs(), width + 1);
    let (whole, fraction) = digits.split_at(digits.len() - width);
    if width == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_by_value() {
        for (a, b, order) in [
            ("1.50", "1.5", Ordering::Equal),
            ("15e-1", "1.5", Ordering::Equal),
            ("100", "1E+2", Ordering::Equal),
            ("-0", "0.00", Ordering::Equal),
            ("0e5", "0", Ordering::Equal),
            ("0", "-0.1", Ordering::Greater),
            ("0", "0.1", Ordering::Less),
            ("0", "-1", Ordering::Greater),
            ("-1", "0", Ordering::Less),
            ("-0", "-1", Ordering::Greater),
            ("1", "-0", Ordering::Greater),
            ("-2", "-3", Ordering::Greater),
            ("-2", "3", Ordering::Less),
            ("9", "10", Ordering::Less),
            ("0.09", "0.1", Ordering::Less),
            ("0.001", "1e-3", Ordering::Equal),
            ("123456789012345678901", "123456789012345678902", Ordering::Less),
            ("0.10000000000000000001", "0.1", Ordering::Greater),
            ("1000", "999.9", Ordering::Greater),
            ("1010", "1.01e3", Ordering::Equal),
            ("1e9223372036854775807", "1", Ordering::Greater),
            ("0.01e-9223372036854775808", "1", Ordering::Less),
        ] {
            assert_eq!(compare(a, b), order, "{a} {b}");
            assert_eq!(compare(b, a), order.reverse(), "{b} {a}");
        }
    }

    #[test]
    fn reckons_exactly() {
        use Arithmetic::{Add, Divide, Multiply, Quotient, Remainder, Subtract};
        for (a, how, b, result) in [
            ("0.1", Add, "0.2", Some("0.3")),
            ("1.50", Add, "1", Some("2.50")),
            ("1", Subtract, "1.5", Some("-0.5")),
            ("1.5", Multiply, "1.50", Some("2.250")),
            ("-0.05", Multiply, "1", Some("-0.05")),
            ("1e2", Add, "1E-2", Some("100.01")),
            ("10", Divide, "4", Some("2.5")),
            ("10", Divide, "5", Some("2")),
            ("10", Divide, "0.0", None),
            ("7", Quotient, "-2", Some("-3")),
            ("7.5", Remainder, "2", Some("1.5")),
            ("99999999999999999999999999999999999999", Multiply, "10", None),
            ("1e60", Add, "1", None),
            ("1e-60", Add, "1", None),
            ("1e-9223372036854775808", Add, "1", None),
            ("1e9223372036854775807", Add, "1", None),
        ] {
            assert_eq!(reckon(a, how, b).as_deref(), result, "{a} {how:?} {b}");
        }
    }
}
