//! What a value of a search means, written from the specification's text over plain JSON.

use canonical_model::Value;

use super::world::part;
use crate::search_model::{fold, interval, tokens, values};

/// A test of one value of a resource.
#[derive(Clone, Debug)]
pub(super) enum Test {
    Begins(String),
    Contains(String),
    /// As written.
    Exact(String),
    /// As a whole, folded.
    Equals(String),
    /// System (none: any; empty: without one) and code (none: any).
    Code(Option<String>, Option<String>),
    /// A text beside the codes.
    TextOf(String),
    /// An identifier's type by system and code, and its value.
    OfType(&'static str, &'static str, String),
    /// One of these codes.
    Among(Vec<(String, String)>),
    /// A prefix and an interval.
    Date(&'static str, (i64, i64)),
    /// A prefix, the number in millionths, and half its last place.
    Number(&'static str, (i64, i64)),
    /// The same of a quantity.
    Quantity(&'static str, (i64, i64), Unit),
    /// A local reference: its types, its id, its version.
    Refers(Vec<String>, String, Option<&'static str>),
    /// A reference as it is written, that names this type (none: any).
    Elsewhere(Option<String>, String),
    /// A reference's identifier.
    Identified(Option<String>, String),
    Uri(String),
    UriBelow(String),
    UriAbove(String),
    /// A URL, and a version that is meant exactly, or with those below it or above it.
    Canonical(String, Option<(Ladder, String)>),
    /// Degrees of latitude and longitude, and kilometres around them.
    Near(f64, f64, f64),
    /// A code and a quantity of one element.
    Pair(Box<Test>, Box<Test>),
}

/// How a unit is asked.
#[derive(Clone, Debug)]
pub(super) enum Unit {
    /// Any, by the number alone.
    Any,
    /// By its code or its name.
    Named(String),
    /// In UCUM, converted.
    Ucum(String),
}

/// Which versions are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ladder {
    Same,
    Below,
    Above,
}

impl Test {
    pub(super) fn holds(&self, value: &Value) -> bool {
        let text = value.as_str().unwrap_or_default();
        match self {
            Self::Begins(it) => fold(text).starts_with(it.as_str()),
            Self::Contains(it) => fold(text).contains(it.as_str()),
            Self::Exact(it) => text == it,
            Self::Equals(it) => fold(text) == *it,
            Self::Code(system, code) => tokens(value).iter().any(|(of, is)| {
                system.as_ref().is_none_or(|system| system == of)
                    && code.as_ref().is_none_or(|code| code == is)
            }),
            Self::TextOf(it) => beside(value).iter().any(|text| fold(text).contains(it.as_str())),
            Self::OfType(system, code, number) => {
                let kinds = value.get("type").map(tokens).unwrap_or_default();
                part(value, "value") == number
                    && kinds.iter().any(|(of, is)| of == system && is == code)
            }
            Self::Among(codes) => tokens(value).iter().any(|code| codes.contains(code)),
            Self::Date(prefix, asked) => interval(value).is_some_and(|at| on(prefix, *asked, at)),
            Self::Number(prefix, asked) => value
                .as_number()
                .is_some_and(|number| compares(prefix, *asked, millionths(number.as_str()).0)),
            Self::Quantity(prefix, asked, unit) => measures(value, prefix, *asked, unit),
            Self::Refers(kinds, id, version) => local(value).is_some_and(|(kind, is, of)| {
                kinds.iter().any(|it| it == kind)
                    && id == is
                    && version.is_none_or(|version| of == Some(version))
            }),
            Self::Elsewhere(kind, uri) => {
                let names = |kind: &String| uri.contains(&format!("/{kind}/"));
                part(value, "reference") == uri && kind.as_ref().is_none_or(names)
            }
            Self::Identified(system, number) => value.get("identifier").is_some_and(|identifier| {
                part(identifier, "value") == number
                    && system.as_ref().is_none_or(|it| it == part(identifier, "system"))
            }),
            Self::Uri(uri) => text == uri,
            Self::UriBelow(uri) => text == uri || text.starts_with(&format!("{uri}/")),
            Self::UriAbove(uri) => {
                text == uri || (text.contains("://") && uri.starts_with(&format!("{text}/")))
            }
            Self::Canonical(uri, version) => canonical(text, uri, version.as_ref()),
            Self::Near(latitude, longitude, km) => {
                position(value).is_some_and(|at| distance(at, (*latitude, *longitude)) <= *km)
            }
            Self::Pair(code, quantity) => {
                value.get("code").is_some_and(|it| code.holds(it))
                    && value.get("valueQuantity").is_some_and(|it| quantity.holds(it))
            }
        }
    }
}

/// What people read beside the codes.
fn beside(value: &Value) -> Vec<&str> {
    let concept = value.get("type").unwrap_or(value);
    let displays = values(concept, &["coding.display", "display", "text"]);
    displays.into_iter().filter_map(Value::as_str).collect()
}

/// Type, id and version of a reference to a resource of this server.
pub(super) fn local(value: &Value) -> Option<(&str, &str, Option<&str>)> {
    let text = part(value, "reference");
    let mut parts = text.strip_prefix("BASE/").unwrap_or(text).split('/');
    let (kind, id) = (parts.next()?, parts.next()?);
    let known = !kind.contains(':') && !id.is_empty();
    known.then(|| (kind, id, parts.nth(1)))
}

/// <https://hl7.org/fhir/R4/search.html#prefix>, over the ranges of parameter and resource.
fn on(prefix: &str, (lo, hi): (i64, i64), (from, to): (i64, i64)) -> bool {
    const DAY: i64 = 86_400_000_000;
    let within = lo <= from && to <= hi;
    let (above, below) = (to > hi, from < lo);
    match prefix {
        "ne" => !within,
        "gt" => above,
        "lt" => below,
        "ge" => above || within,
        "le" => below || within,
        "sa" => from >= hi,
        "eb" => to <= lo,
        "po" => from < hi && to > lo,
        // This server's choice: a day either way, or a tenth of the interval.
        "ap" => {
            let slack = DAY.max((hi - lo) / 10);
            from < hi + slack && to > lo - slack
        }
        _ => within,
    }
}

/// A number in millionths, and half of its last written place.
pub(super) fn millionths(number: &str) -> (i64, i64) {
    let (whole, after) = number.split_once('.').unwrap_or((number, ""));
    let places = u32::try_from(after.len()).unwrap_or(0);
    let digits: i64 = format!("{whole}{after}").parse().unwrap_or(0);
    (digits * 10_i64.pow(6 - places), 5 * 10_i64.pow(5 - places))
}

fn compares(prefix: &str, (at, half): (i64, i64), value: i64) -> bool {
    let equal = at - half <= value && value < at + half;
    match prefix {
        "ne" => !equal,
        "gt" | "sa" => value > at,
        "lt" | "eb" => value < at,
        "ge" => value >= at,
        "le" => value <= at,
        "ap" => {
            let slack = (at.abs() / 10).max(half);
            at - slack <= value && value < at + slack
        }
        _ => equal,
    }
}

/// How many of the smallest unit of its dimension, and which dimension.
fn scale(unit: &str) -> (i64, bool) {
    match unit {
        "g" => (1_000_000, true),
        "mg" => (1_000, true),
        "ug" => (1, true),
        "L" => (1_000, false),
        _ => (1, false),
    }
}

fn measures(value: &Value, prefix: &str, (at, half): (i64, i64), unit: &Unit) -> bool {
    let Some(number) = value.get("value").and_then(Value::as_number) else { return false };
    let number = millionths(number.as_str()).0;
    match unit {
        Unit::Any => compares(prefix, (at, half), number),
        Unit::Named(name) => {
            [part(value, "code"), part(value, "unit")].contains(&name.as_str())
                && compares(prefix, (at, half), number)
        }
        Unit::Ucum(asked) => {
            let ((own, mass), (other, of_mass)) = (scale(part(value, "code")), scale(asked));
            part(value, "system") == "http://unitsofmeasure.org"
                && mass == of_mass
                && compares(prefix, (at * other, half * other), number * own)
        }
    }
}

/// Degrees of latitude and longitude.
pub(super) fn position(value: &Value) -> Option<(f64, f64)> {
    let degrees = |name: &str| Some(value.get(name)?.as_number()?.to_f64());
    degrees("latitude").zip(degrees("longitude"))
}

/// Kilometres along the earth's surface, as of a ball.
pub(super) fn distance(a: (f64, f64), b: (f64, f64)) -> f64 {
    const RADIUS_KM: f64 = 6_371.0;
    let half = |from: f64, to: f64| ((to - from).to_radians() / 2.0).sin().powi(2);
    let across = a.0.to_radians().cos() * b.0.to_radians().cos() * half(a.1, b.1);
    2.0 * RADIUS_KM * (half(a.0, b.0) + across).sqrt().asin()
}

fn canonical(text: &str, uri: &str, version: Option<&(Ladder, String)>) -> bool {
    let (own, of) = match text.split_once('|') {
        Some((own, of)) => (own, Some(of)),
        None => (text, None),
    };
    let below = |one: &str, other: &str| one == other || one.starts_with(&format!("{other}."));
    own == uri
        && match (version, of) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some((Ladder::Same, version)), Some(of)) => of == version,
            (Some((Ladder::Below, version)), Some(of)) => below(of, version),
            (Some((Ladder::Above, version)), Some(of)) => below(version, of),
        }
}
