//! Numbers and quantities: what a written number stands for, and units made comparable.
//! <https://hl7.org/fhir/R4/search.html#number>, <https://ucum.org/ucum>

use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

use canonical_model::decimal::{Arithmetic, reckon};

use crate::keys::Aspect;
use crate::limits::{UNIT_BYTES_MAX, UNITS_MAX};

/// UCUM's name as a code system.
pub(crate) const UCUM: &str = "http://unitsofmeasure.org";
/// The currencies' name as a code system.
pub(crate) const CURRENCIES: &str = "urn:iso:std:iso:4217";

/// A searched number: itself, and the values that are equal to it at the precision it is written in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Written {
    pub(crate) at: f64,
    pub(crate) lo: f64,
    pub(crate) hi: f64,
}

impl Written {
    /// `100` is 99.5 to 100.5, `1.00` is 0.995 to 1.005, `1e2` is 95 to 105.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (digits, exponent) = match text.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, Some(exponent.parse::<i32>().ok()?)),
            None => (text, None),
        };
        let unsigned = digits.strip_prefix(['+', '-']).unwrap_or(digits);
        let (whole, after) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let is_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !is_digits(whole) || !is_digits(after) || unsigned.ends_with('.') {
            return None;
        }
        // The specification counts `1e2` as `1.0e2`.
        let places = match (exponent, after.len()) {
            (Some(_), 0) => 1,
            (_, places) => i32::try_from(places).ok()?,
        };
        let at: f64 = text.parse().ok()?;
        let last_place = exponent.unwrap_or(0).checked_sub(places)?;
        let (lo, hi) =
            around(text, &format!("5e{}", last_place.checked_sub(1)?)).unwrap_or_else(|| {
                let half = 0.5 * 10f64.powi(last_place);
                (at - half, at + half)
            });
        at.is_finite().then_some(Self { at, lo, hi })
    }

    /// The same with a tenth either way, where that is more: `ap`, as the specification proposes.
    pub(crate) fn nearly(text: &str) -> Option<Self> {
        let written = Self::parse(text)?;
        let tenth = reckon(text.trim_start_matches(['+', '-']), Arithmetic::Multiply, "0.1");
        let (lo, hi) = tenth.and_then(|tenth| around(text, &tenth)).unwrap_or_else(|| {
            let tenth = written.at.abs() / 10.0;
            (written.at - tenth, written.at + tenth)
        });
        Some(Self { at: written.at, lo: lo.min(written.lo), hi: hi.max(written.hi) })
    }

    /// The same in another unit.
    pub(crate) fn scaled(self, scale: Scale) -> Self {
        Self { at: scale.apply(self.at), lo: scale.apply(self.lo), hi: scale.apply(self.hi) }
    }
}

/// Reckoned exactly, and rounded once: 5.4 less 0.05 is 5.35, as somebody else writes it. `None` where the
/// numbers have too many digits.
fn around(text: &str, slack: &str) -> Option<(f64, f64)> {
    let end = |how| reckon(text, how, slack)?.parse().ok();
    end(Arithmetic::Subtract).zip(end(Arithmetic::Add))
}

/// How a unit's numbers become those of UCUM's base units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    factor: f64,
    offset: f64,
}

impl Scale {
    /// Rounded to twelve digits, so that equal quantities of different units are equal.
    pub(crate) fn apply(self, value: f64) -> f64 {
        let scaled = value.mul_add(self.factor, self.offset);
        format!("{scaled:.11e}").parse().unwrap_or(scaled)
    }
}

type Known = Option<([u8; 7], Scale)>;

static UNITS: LazyLock<RwLock<HashMap<String, Known>>> = LazyLock::new(RwLock::default);

/// A unit's dimension and scale; `None` for one that UCUM does not know, or cannot convert, or that is too long to be
/// one.
pub(crate) fn unit(code: &str) -> Known {
    if code.len() > UNIT_BYTES_MAX {
        return None;
    }
    let known = UNITS.read().unwrap_or_else(PoisonError::into_inner).get(code).copied();
    if let Some(known) = known {
        return known;
    }
    let found = analyse(code);
    let mut units = UNITS.write().unwrap_or_else(PoisonError::into_inner);
    if units.len() < UNITS_MAX {
        units.insert(code.to_owned(), found);
    }
    found
}

fn analyse(code: &str) -> Known {
    let found = ucum::analyze(code).ok()?;
    // Arbitrary units, as international ones, compare with nothing else; logarithms are no scales.
    if found.is_special && found.offset == 0.0 {
        return None;
    }
    let exponents = found.dimension.0.map(i8::cast_unsigned);
    Some((exponents, Scale { factor: found.factor, offset: found.offset }))
}

/// How a quantity of this unit is indexed and asked for: as a dimension where UCUM knows it.
pub(crate) fn of_unit<'a>(system: &'a str, code: &'a str) -> (Aspect<'a>, Option<Scale>) {
    match unit(code).filter(|_| system == UCUM) {
        Some((exponents, scale)) => (Aspect::Dimension(exponents), Some(scale)),
        None => (Aspect::Unit(system, code), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_for_a_unit_is_not_kept() {
        let long = "mg.".repeat(UNIT_BYTES_MAX) + "mg";
        assert_eq!(unit(&long), None);
        assert!(!UNITS.read().unwrap().contains_key(&long));
        assert!(unit("mmol/L").is_some() && UNITS.read().unwrap().contains_key("mmol/L"));
    }

    #[test]
    fn a_written_number_has_the_precision_it_shows() {
        for (text, lo, hi) in [
            ("100", 99.5, 100.5),
            ("100.00", 99.995, 100.005),
            ("1e2", 95.0, 105.0),
            ("5.40e-3", 0.005_395, 0.005_405),
            ("-5.4", -5.45, -5.35),
        ] {
            let written = Written::parse(text).expect(text);
            assert!((written.lo - lo).abs() < 1e-12 && (written.hi - hi).abs() < 1e-12, "{text}");
        }
        let equal = |text: &str| Written::parse(text).map(|it| (it.lo, it.hi));
        assert_eq!(equal("5.4"), Some((5.35, 5.45)), "to the last bit");
        assert_eq!(Written::nearly("5.4").map(|it| (it.lo, it.hi)), Some((4.86, 5.94)));
        assert_eq!(Written::nearly("-1").map(|it| (it.lo, it.hi)), Some((-1.5, -0.5)));
        for bad in ["", "abc", "1.", ".5", "1e", "NaN", "inf", "1 ", "1e999", "--1", "0x1"] {
            assert!(Written::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn equal_quantities_of_different_units_are_equal() {
        for (a, b) in [
            (("5.4", "mg"), ("0.0054", "g")),
            (("1", "[lb_av]"), ("453.59237", "g")),
            (("37", "Cel"), ("98.6", "[degF]")),
            (("120", "mm[Hg]"), ("0.12", "m[Hg]")),
        ] {
            let base = |(value, code): (&str, &str)| {
                let (exponents, scale) = unit(code).expect(code);
                (exponents, scale.apply(value.parse().expect("a number")).to_bits())
            };
            assert_eq!(base(a), base(b), "{a:?} {b:?}");
        }
        assert!(unit("[iU]").is_none() && unit("no such unit").is_none());
        assert_eq!(of_unit("urn:x", "mg").0, Aspect::Unit("urn:x", "mg"));
    }
}
