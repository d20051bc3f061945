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
            exponent -= i64::try_from(fraction.len() - significant.len()).unwrap_or(0);
            fraction = significant;
        } else {
            exponent += i64::try_from(whole.len()).unwrap_or(0);
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
        ] {
            assert_eq!(compare(a, b), order, "{a} {b}");
            assert_eq!(compare(b, a), order.reverse(), "{b} {a}");
        }
    }
}
