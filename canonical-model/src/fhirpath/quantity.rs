//! Quantities: numbers with a unit of UCUM or of the calendar, and what can be reckoned with them.
//! <http://hl7.org/fhirpath/N1/#quantity>, <https://ucum.org/ucum>

use std::cmp::Ordering;

use super::item::Item;
use crate::decimal::{self, Arithmetic, reckon};
use crate::json::{self, Object, Value};

/// UCUM's name as a code system.
const UCUM: &str = "http://unitsofmeasure.org";

/// The units of the calendar, each with what one of it is.
const CALENDAR: [(&str, Span); 8] = [
    ("year", Span::Months(12)),
    ("month", Span::Months(1)),
    ("week", Span::Micros(604_800_000_000)),
    ("day", Span::Micros(86_400_000_000)),
    ("hour", Span::Micros(3_600_000_000)),
    ("minute", Span::Micros(60_000_000)),
    ("second", Span::Micros(1_000_000)),
    ("millisecond", Span::Micros(1_000)),
];

/// The units of UCUM that measure time by a fixed length, as those of the calendar.
const OF_TIME: [(&str, &str); 6] = [
    ("wk", "week"),
    ("d", "day"),
    ("h", "hour"),
    ("min", "minute"),
    ("s", "second"),
    ("ms", "millisecond"),
];

/// A stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    /// Of the calendar: no fixed length.
    Months(i64),
    /// A fixed length, in microseconds.
    Micros(i64),
}

/// The unit of the calendar that a word names, in the singular: `years` is `year`.
pub(crate) fn calendar(word: &str) -> Option<&'static str> {
    let singular = word.strip_suffix('s').unwrap_or(word);
    CALENDAR.iter().find(|(name, _)| *name == singular).map(|(name, _)| *name)
}

/// A quantity as FHIR writes it: of UCUM it has a system and a code.
pub(crate) fn of(number: Value, unit: &str, ucum: bool) -> Value {
    let mut quantity = Object::new();
    quantity.set("value", number);
    quantity.set("unit", unit);
    if ucum {
        quantity.set("system", UCUM);
        quantity.set("code", unit);
    }
    quantity.into()
}

/// The quantity with the other sign.
pub(crate) fn negative(quantity: &Value) -> Option<Value> {
    let measure = Measure::of(quantity)?;
    let value = reckon("0", Arithmetic::Subtract, &measure.value)?;
    measure.with(&value)
}

/// Whether an item is a quantity by its type.
pub(crate) fn is_quantity(item: &Item<'_>) -> bool {
    const KINDS: [&str; 7] =
        ["Quantity", "Age", "Count", "Distance", "Duration", "Money", "SimpleQuantity"];
    KINDS.contains(&item.type_name)
}

/// A number and its unit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measure {
    pub(crate) value: String,
    unit: String,
    /// Of UCUM; else of the calendar, or of nobody.
    ucum: bool,
}

impl Measure {
    /// Reads a quantity; a plain number has the unit `1`.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        if let Value::Number(number) = value {
            return Some(Self {
                value: number.as_str().to_owned(),
                unit: "1".to_owned(),
                ucum: true,
            });
        }
        let text = |name| value.get(name).and_then(Value::as_str);
        let ucum = text("system") == Some(UCUM);
        let unit = text("code").filter(|_| ucum).or_else(|| text("unit")).or_else(|| text("code"));
        let number = value.get("value")?.as_number()?.as_str().to_owned();
        let none = unit.is_none();
        Some(Self { value: number, unit: unit.unwrap_or("1").to_owned(), ucum: ucum || none })
    }

    /// Another number of the same unit.
    pub(crate) fn with(&self, value: &str) -> Option<Value> {
        Some(of(json::parse(value.as_bytes()).ok()?, &self.unit, self.ucum))
    }

    /// `4 'mg'`, `4 days`: the singular is written as it is, of whatever number.
    pub(crate) fn to_text(&self) -> String {
        match self.ucum {
            true => format!("{} '{}'", self.value, self.unit),
            false => format!("{} {}", self.value, self.unit),
        }
    }

    /// The stretch of time that one of the unit is.
    pub(crate) fn span(&self) -> Option<Span> {
        let name = match self.ucum {
            true => OF_TIME.iter().find(|(code, _)| *code == self.unit).map(|(_, name)| *name)?,
            false => calendar(&self.unit)?,
        };
        CALENDAR.iter().find(|(word, _)| *word == name).map(|(_, span)| *span)
    }

    /// This one in the unit of another; `None` where they measure unlike things.
    fn in_unit_of(&self, other: &Self) -> Option<String> {
        if self.unit == other.unit && self.ucum == other.ucum {
            return Some(self.value.clone());
        }
        let ratio = match (self.span(), other.span()) {
            (Some(Span::Micros(a)), Some(Span::Micros(b)))
            | (Some(Span::Months(a)), Some(Span::Months(b))) => {
                let scaled = reckon(&self.value, Arithmetic::Multiply, &a.to_string())?;
                return reckon(&scaled, Arithmetic::Divide, &b.to_string());
            }
            _ if !self.ucum || !other.ucum => return None,
            _ => (ucum::analyze(&self.unit).ok()?, ucum::analyze(&other.unit).ok()?),
        };
        let (a, b) = ratio;
        let arbitrary = a.is_special && a.offset == 0.0 || b.is_special && b.offset == 0.0;
        if arbitrary || a.dimension != b.dimension {
            return None;
        }
        let base: f64 = self.value.parse::<f64>().ok()?.mul_add(a.factor, a.offset);
        plain((base - b.offset) / b.factor)
    }

    /// The same in another unit: a code of UCUM, or a word of the calendar.
    pub(crate) fn converted(&self, unit: &str) -> Option<Value> {
        let word = calendar(unit);
        let other = Self {
            value: "1".to_owned(),
            unit: word.unwrap_or(unit).to_owned(),
            ucum: word.is_none(),
        };
        other.with(&self.in_unit_of(&other)?)
    }

    /// `None` where they measure unlike things.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        Some(decimal::compare(&self.in_unit_of(other)?, &other.value))
    }

    /// Equal to the digits that both are written with.
    pub(crate) fn is_about(&self, other: &Self) -> bool {
        // The one whose unit is larger is written with fewer digits.
        let one = self.in_unit_of(other).map(|value| about(&value, &other.value));
        let two = other.in_unit_of(self).map(|value| about(&value, &self.value));
        one.unwrap_or(false) || two.unwrap_or(false)
    }

    /// The outcome of an operator; `None` where it has none.
    pub(crate) fn reckon(&self, how: Arithmetic, other: &Self) -> Option<Value> {
        let unit = match how {
            Arithmetic::Add | Arithmetic::Subtract => {
                return self.with(&reckon(&self.value, how, &other.in_unit_of(self)?)?);
            }
            _ if !self.ucum || !other.ucum => return None,
            Arithmetic::Multiply => match (self.unit.as_str(), other.unit.as_str()) {
                ("1", unit) | (unit, "1") => unit.to_owned(),
                (a, b) => format!("{}.{}", grouped(a), grouped(b)),
            },
            Arithmetic::Divide => match (self.unit.as_str(), other.unit.as_str()) {
                (a, b) if a == b => "1".to_owned(),
                (unit, "1") => unit.to_owned(),
                (a, b) => format!("{}/{}", grouped(a), grouped(b)),
            },
            Arithmetic::Quotient | Arithmetic::Remainder => return None,
        };
        let value = reckon(&self.value, how, &other.value)?;
        Some(of(json::parse(value.as_bytes()).ok()?, &unit, true))
    }
}

/// A unit that is a quotient stands in brackets within another.
fn grouped(unit: &str) -> String {
    if unit.contains('/') { format!("({unit})") } else { unit.to_owned() }
}

/// A computed number to twelve digits: more of them are the machine's, not the measurement's.
pub(crate) fn plain(number: f64) -> Option<String> {
    number.is_finite().then_some(())?;
    let rounded: f64 = format!("{number:.11e}").parse().ok()?;
    Some(format!("{rounded}"))
}

/// Equal, rounded to the digits that both are written with.
pub(crate) fn about(a: &str, b: &str) -> bool {
    let places = |text: &str| {
        let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
        fraction.trim_end_matches('0').len()
    };
    let least = places(a).min(places(b));
    match (rounded(a, least), rounded(b, least)) {
        (Some(a), Some(b)) => decimal::compare(&a, &b).is_eq(),
        _ => decimal::compare(a, b).is_eq(),
    }
}

/// To so many digits behind the point, halves away from zero.
pub(crate) fn rounded(text: &str, places: usize) -> Option<String> {
    let sign = if text.starts_with('-') { "-" } else { "" };
    let half = format!("{sign}0.{}5", "0".repeat(places));
    cut(&reckon(text, Arithmetic::Add, &half)?, places)
}

/// The first digits behind the point, as many as are asked for.
pub(crate) fn cut(text: &str, places: usize) -> Option<String> {
    let exact = reckon(text, Arithmetic::Add, "0")?;
    let (whole, fraction) = exact.split_once('.').unwrap_or((&exact, ""));
    if places == 0 {
        return Some(whole.to_owned());
    }
    let fraction = fraction.get(..fraction.len().min(places)).unwrap_or_default();
    Some(format!("{whole}.{fraction:0<places$}"))
}
