//! Search as the specification words it, over resources in memory: slow, short, and independent
//! of the index.

use canonical_model::Value;

/// What a parameter's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    /// A code, a boolean, a Coding, CodeableConcept or Identifier.
    Token,
    Date,
    Reference,
}

/// A type, a parameter, its kind, and where its values are.
pub(crate) type Definition = (&'static str, &'static str, Kind, &'static [&'static str]);

const NAMES: &[&str] = &["name.family", "name.given", "name.prefix", "name.suffix", "name.text"];

pub(crate) const DEFINITIONS: &[Definition] = &[
    ("Patient", "family", Kind::Text, &["name.family"]),
    ("Patient", "given", Kind::Text, &["name.given"]),
    ("Patient", "name", Kind::Text, NAMES),
    ("Patient", "address-city", Kind::Text, &["address.city"]),
    ("Patient", "gender", Kind::Token, &["gender"]),
    ("Patient", "active", Kind::Token, &["active"]),
    ("Patient", "identifier", Kind::Token, &["identifier"]),
    ("Patient", "birthdate", Kind::Date, &["birthDate"]),
    ("Patient", "general-practitioner", Kind::Reference, &["generalPractitioner"]),
    ("Observation", "code", Kind::Token, &["code"]),
    ("Observation", "category", Kind::Token, &["category"]),
    ("Observation", "status", Kind::Token, &["status"]),
    ("Observation", "date", Kind::Date, &["effectiveDateTime", "effectivePeriod"]),
    ("Observation", "subject", Kind::Reference, &["subject"]),
    ("Observation", "patient", Kind::Reference, &["subject"]),
    ("Observation", "encounter", Kind::Reference, &["encounter"]),
    ("Encounter", "status", Kind::Token, &["status"]),
    ("Encounter", "class", Kind::Token, &["class"]),
    ("Encounter", "type", Kind::Token, &["type"]),
    ("Encounter", "date", Kind::Date, &["period"]),
    ("Encounter", "patient", Kind::Reference, &["subject"]),
    ("Condition", "code", Kind::Token, &["code"]),
    ("Condition", "category", Kind::Token, &["category"]),
    ("Condition", "clinical-status", Kind::Token, &["clinicalStatus"]),
    ("Condition", "onset-date", Kind::Date, &["onsetDateTime", "onsetPeriod"]),
    ("Condition", "patient", Kind::Reference, &["subject"]),
    ("Condition", "encounter", Kind::Reference, &["encounter"]),
];

/// A test of one value.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    Begins(String),
    Contains(String),
    /// System (none: any; empty: without one) and code (none: any).
    Token(Option<String>, Option<String>),
    /// A prefix and the interval of a date.
    Date(&'static str, (i64, i64)),
    /// A type (none: any) and an id.
    Reference(Option<String>, String),
}

/// One criterion: any of its tests, or none of them, or whether there is a value at all.
#[derive(Clone, Debug)]
pub(crate) enum Criterion {
    Any(Definition, Vec<Test>),
    None(Definition, Vec<Test>),
    Missing(Definition, bool),
}

impl Criterion {
    pub(crate) fn holds(&self, resource: &Value) -> bool {
        let any = |(_, _, _, paths): &Definition, tests: &[Test]| {
            let values = values(resource, paths);
            tests.iter().any(|test| values.iter().any(|value| test.holds(value)))
        };
        match self {
            Self::Any(definition, tests) => any(definition, tests),
            Self::None(definition, tests) => !any(definition, tests),
            Self::Missing((_, _, _, paths), missing) => {
                values(resource, paths).is_empty() == *missing
            }
        }
    }
}

/// The values under paths of member names, through arrays.
pub(crate) fn values<'v>(resource: &'v Value, paths: &[&str]) -> Vec<&'v Value> {
    let step = |values: Vec<&'v Value>, name: &str| -> Vec<&'v Value> {
        values.into_iter().filter_map(|value| value.get(name)).flat_map(Value::items).collect()
    };
    paths.iter().flat_map(|path| path.split('.').fold(vec![resource], step)).collect()
}

impl Test {
    fn holds(&self, value: &Value) -> bool {
        match self {
            Self::Begins(part) => folded(value).starts_with(part),
            Self::Contains(part) => folded(value).contains(part.as_str()),
            Self::Token(system, code) => tokens(value).iter().any(|(of, is)| {
                system.as_ref().is_none_or(|system| system == of)
                    && code.as_ref().is_none_or(|code| code == is)
            }),
            Self::Date(prefix, bounds) => {
                interval(value).is_some_and(|at| compare(prefix, *bounds, at))
            }
            Self::Reference(kind, id) => target(value)
                .is_some_and(|(of, is)| kind.as_ref().is_none_or(|kind| kind == of) && id == is),
        }
    }
}

/// The letters with accents among the population's names.
const ACCENTS: &[(&str, char)] = &[
    ("áàâãäÁạ", 'a'),
    ("éèêëÉễ", 'e'),
    ("íìîïÍ", 'i'),
    ("óòôõöÓ", 'o'),
    ("úùûüÚ", 'u'),
    ("ñÑ", 'n'),
    ("çÇ", 'c'),
];

/// Without case and accents.
pub(crate) fn fold(text: &str) -> String {
    let plain = |letter: char| {
        let found = ACCENTS.iter().find(|(letters, _)| letters.contains(letter));
        found.map_or(letter, |(_, plain)| *plain).to_ascii_lowercase()
    };
    text.chars().map(plain).collect()
}

fn folded(value: &Value) -> String {
    fold(value.as_str().unwrap_or_default())
}

/// System and code of each coding; the empty system is none.
pub(crate) fn tokens(value: &Value) -> Vec<(String, String)> {
    let part = |value: &Value, name: &str| {
        value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    match value {
        Value::String(code) => vec![(String::new(), code.to_string())],
        Value::Bool(flag) => vec![(String::new(), flag.to_string())],
        Value::Object(members) if members.get("value").is_some() => {
            vec![(part(value, "system"), part(value, "value"))]
        }
        Value::Object(members) if members.get("code").is_some() => {
            vec![(part(value, "system"), part(value, "code"))]
        }
        _ => value
            .get("coding")
            .map(Value::items)
            .unwrap_or_default()
            .iter()
            .flat_map(tokens)
            .collect(),
    }
}

/// Where a date or period begins and ends, the end exclusive.
pub(crate) fn interval(value: &Value) -> Option<(i64, i64)> {
    let range = |value: &Value| span(value.as_str()?);
    let limits = values(value, &["event", "repeat.boundsPeriod"]);
    if !limits.is_empty() {
        // Of a timing the outer limits matter.
        let all = limits.into_iter().filter_map(interval);
        return all.reduce(|(lo, hi), (a, b)| (lo.min(a), hi.max(b)));
    }
    if value.as_str().is_some() {
        return range(value);
    }
    let start = value.get("start").and_then(range).map(|(start, _)| start);
    let end = value.get("end").and_then(range).map(|(_, end)| end);
    (start.is_some() || end.is_some()).then(|| (start.unwrap_or(i64::MIN), end.unwrap_or(i64::MAX)))
}

/// The stretch a date or time covers in microseconds since 1970, the end exclusive: as long as what is
/// not written. A day is of UTC, as is a time without a zone.
pub(crate) fn span(date: &str) -> Option<(i64, i64)> {
    const SECOND: i64 = 1_000_000;
    let part = |at: std::ops::Range<usize>| date.get(at)?.parse::<i64>().ok();
    let (year, month) = (part(0..4)?, part(5..7));
    let Some(month) = month else { return Some((start_of(year, 1)?, start_of(year + 1, 1)?)) };
    let Some(day) = part(8..10) else {
        return Some((start_of(year, month)?, start_of(year, month + 1)?));
    };
    let midnight = start_of(year, month)? + (day - 1) * DAY;
    let Some((hour, minute)) = part(11..13).zip(part(14..16)) else {
        return Some((midnight, midnight + DAY));
    };
    let clock = midnight + (hour * 60 + minute) * 60 * SECOND;
    let rest = date.get(16..)?;
    let (clock, wide, zone) = match rest.strip_prefix(':') {
        None => (clock, 60 * SECOND, rest),
        Some(rest) => {
            let zone = rest.find(['Z', '+', '-']).unwrap_or(rest.len());
            let (seconds, zone) = rest.split_at(zone);
            let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
            let unit = fraction.chars().fold(SECOND, |unit, _| unit / 10);
            let fraction = format!("0{fraction}").parse::<i64>().ok()?;
            (clock + whole.parse::<i64>().ok()? * SECOND + fraction * unit, unit, zone)
        }
    };
    let ahead = match zone.split_once(':') {
        Some((hours, minutes)) => {
            let minutes =
                hours.get(1..)?.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?;
            if hours.starts_with('-') { -minutes } else { minutes }
        }
        None => 0,
    };
    let from = clock - ahead * 60 * SECOND;
    Some((from, from + wide))
}

const DAY: i64 = 86_400_000_000;

/// When a month begins, counted day by day. The month behind the last is the next year's first.
fn start_of(year: i64, month: i64) -> Option<i64> {
    let leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let years: i64 = match year {
        1970.. => (1970..year).map(|year| if leap(year) { 366 } else { 365 }).sum(),
        _ => -(year..1970).map(|year| if leap(year) { 366 } else { 365 }).sum::<i64>(),
    };
    let february = if leap(year) { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let before = months.get(..usize::try_from(month - 1).ok()?)?;
    Some((years + before.iter().sum::<i64>()) * DAY)
}

/// <https://hl7.org/fhir/R4/search.html#prefix>, over the ranges of parameter and resource.
fn compare(prefix: &str, (lo, hi): (i64, i64), (from, to): (i64, i64)) -> bool {
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
        _ => within,
    }
}

/// Type and id of a local reference.
pub(crate) fn target(value: &Value) -> Option<(&str, &str)> {
    value.get("reference")?.as_str()?.split_once('/')
}
