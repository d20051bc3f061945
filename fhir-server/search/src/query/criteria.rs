//! One search criterion: a parameter, its modifier and its values, as an expression.

use canonical_model::date::PartialDateTime;
use canonical_model::{ResourceId, ResourceType};
use conformance::SearchParamKind;

use super::parse::{QueryContext, Refusal, tame};
use crate::catalogue::{ParamPlan, TypePlan};
use crate::expr::{Breadth, Expr, KeyTest, Prefix, RangeTest, TextTest};
use crate::fold::fold;
use crate::keys::{Facet, Key};
use crate::limits::{BARE_ID_TYPES_MAX, OR_VALUES_MAX};

type Parsed = Result<Expr, Refusal>;

pub(super) fn criterion(
    context: QueryContext<'_>,
    plan: &TypePlan,
    kind: ResourceType,
    name: &str,
    value: &str,
) -> Parsed {
    let (code, modifier) = match name.split_once(':') {
        Some((code, modifier)) => (code, Some(modifier)),
        None => (name, None),
    };
    let values = split_values(value);
    if values.len() > OR_VALUES_MAX {
        return Err(Refusal::value(&tame(name), "more than 1000 values"));
    }
    match (code, modifier) {
        ("_id", None) => return identity(context, kind, &values),
        ("_lastUpdated", None) => {
            return any(&values, |v| Ok(Expr::Updated(range("_lastUpdated", v)?)));
        }
        ("_id" | "_lastUpdated", Some(modifier)) => {
            let text = format!("{code}: the modifier `{}` is not supported on it", tame(modifier));
            return Err(Refusal::unsupported(text));
        }
        _ => {}
    }
    let Some(param) = plan.find(code) else {
        let text = format!("{kind} has no search parameter `{}`{}", tame(code), near(plan, code));
        return Err(Refusal::unknown(text));
    };
    if modifier == Some("missing") {
        return missing(context, param, value);
    }
    if param.is_hidden() {
        return Err(sealed(kind, code));
    }
    if values.iter().any(|v| v.is_empty()) {
        return Err(Refusal::value(&tame(name), "the value is empty"));
    }
    let unsupported = || {
        Refusal::unsupported(format!(
            "{kind}.{code}: the modifier `{}` is not supported on this parameter",
            tame(modifier.unwrap_or_default())
        ))
    };
    match (param.definition.kind, modifier) {
        (SearchParamKind::Token, None) => any(&values, |v| Ok(token(context, param, v))),
        (SearchParamKind::Token, Some("not")) => {
            Ok(Expr::Not(Box::new(any(&values, |v| Ok(token(context, param, v)))?)))
        }
        (SearchParamKind::String, None) => any(&values, |v| text(param, v, TextTest::Prefix)),
        (SearchParamKind::String, Some("contains")) => {
            any(&values, |v| text(param, v, TextTest::Contains))
        }
        (SearchParamKind::Date, None) => {
            any(&values, |v| Ok(Expr::Date(param.param, range(code, v)?)))
        }
        (SearchParamKind::Reference, target) => {
            let narrowed = match target {
                None => None,
                Some(name) => Some(ResourceType::find(name).ok_or_else(unsupported)?),
            };
            any(&values, |v| reference(context, param, narrowed, v))
        }
        (SearchParamKind::Uri, None) => any(&values, |v| {
            let lookup = context.catalogue.hasher().uri(param.param, &unescape(v));
            Ok(key(param, lookup, None))
        }),
        (
            SearchParamKind::Token
            | SearchParamKind::String
            | SearchParamKind::Date
            | SearchParamKind::Uri,
            _,
        ) => Err(unsupported()),
        (
            SearchParamKind::Number
            | SearchParamKind::Quantity
            | SearchParamKind::Composite
            | SearchParamKind::Special,
            _,
        ) => Err(Refusal::unsupported(format!(
            "{kind}.{code}: this kind of parameter is not searched yet"
        ))),
    }
}

/// A search for what is not indexed would find nothing, which is not the truth.
pub(super) fn sealed(kind: ResourceType, code: &str) -> Refusal {
    let text = "its values are stored sealed, so they are neither searched nor sorted by";
    Refusal::unsupported(format!("{kind}.{code}: {text}"))
}

/// One value or several: comma means or.
fn any(values: &[&str], each: impl Fn(&str) -> Parsed) -> Parsed {
    match values {
        [single] => each(single),
        several => {
            let mut parts = Vec::new();
            for value in several {
                match each(value)? {
                    Expr::Or(inner) => parts.extend(inner),
                    other => parts.push(other),
                }
            }
            Ok(Expr::Or(parts))
        }
    }
}

fn key(param: &ParamPlan, lookup: Key, facet: Option<Facet>) -> Expr {
    Expr::Key(KeyTest { lookup, facet, patient: None, timed: param.timed, breadth: param.breadth })
}

/// <https://hl7.org/fhir/R4/search.html#token>
fn token(context: QueryContext<'_>, param: &ParamPlan, value: &str) -> Expr {
    let hasher = context.catalogue.hasher();
    match split_unescaped(value, '|') {
        None => code_of(context, param, &unescape(value), None),
        Some((system, "")) => Expr::Facet(hasher.system(param.param, &unescape(system))),
        Some((system, code)) => {
            let (system, code) = (unescape(system), unescape(code));
            let facet = hasher.system_code(param.param, &system, &code);
            code_of(context, param, &code, Some(facet))
        }
    }
}

/// A code under the parameter, or under one of its parts.
fn code_of(context: QueryContext<'_>, param: &ParamPlan, code: &str, facet: Option<Facet>) -> Expr {
    let hasher = context.catalogue.hasher();
    match param.lookups().as_slice() {
        [own] => key(param, hasher.code(*own, code), facet),
        several => {
            Expr::Or(several.iter().map(|p| key(param, hasher.code(*p, code), facet)).collect())
        }
    }
}

fn text(param: &ParamPlan, value: &str, test: fn(String) -> TextTest) -> Parsed {
    let folded = fold(&unescape(value));
    if folded.is_empty() {
        return Err(Refusal::value(param.definition.code, "the value has no letters"));
    }
    Ok(Expr::Text(param.lookups(), test(folded)))
}

fn identity(context: QueryContext<'_>, kind: ResourceType, values: &[&str]) -> Parsed {
    let hasher = context.catalogue.hasher();
    // An illegal id names nothing; it is a miss, not a fault of syntax.
    let legal = values.iter().filter(|v| ResourceId::is_legal(v));
    Ok(Expr::Identity(legal.map(|v| hasher.identity(kind, v)).collect()))
}

fn missing(context: QueryContext<'_>, param: &ParamPlan, value: &str) -> Parsed {
    let present = Expr::Facet(context.catalogue.hasher().present(param.own));
    match value {
        "true" => Ok(Expr::Not(Box::new(present))),
        "false" => Ok(present),
        _ => Err(Refusal::value(param.definition.code, ":missing is true or false")),
    }
}

fn range(code: &str, value: &str) -> Result<RangeTest<i64>, Refusal> {
    let (prefix, rest) = Prefix::split(value);
    let date = PartialDateTime::parse(rest).map_err(|_| {
        Refusal::value(
            code,
            "expected a date such as 2026-01-31, with a prefix such as ge before it",
        )
    })?;
    let (lo, hi) = date.range();
    Ok(match prefix {
        Prefix::Ap => widened(lo, hi),
        _ => RangeTest { prefix, lo, hi },
    })
}

/// `ap`: a day either way. The specification proposes a tenth of the distance from now; that would
/// make the answer depend on the clock, and the same page link mean two things.
fn widened(lo: i64, hi: i64) -> RangeTest<i64> {
    const DAY: i64 = 86_400_000_000;
    let slack = DAY.max((hi - lo) / 10);
    RangeTest { prefix: Prefix::Ap, lo: lo.saturating_sub(slack), hi: hi.saturating_add(slack) }
}

/// <https://hl7.org/fhir/R4/search.html#reference>
fn reference(
    context: QueryContext<'_>,
    param: &ParamPlan,
    narrowed: Option<ResourceType>,
    value: &str,
) -> Parsed {
    let value = unescape(value);
    let local =
        value.strip_prefix(context.base).map_or(value.as_str(), |v| v.trim_start_matches('/'));
    let local = local.split("/_history/").next().unwrap_or(local);
    if let Some((name, id)) = local.split_once('/')
        && let Some(kind) = ResourceType::find(name)
        && ResourceId::is_legal(id)
    {
        let fits = narrowed.is_none_or(|n| n == kind) && allows(param, kind);
        return Ok(if fits { target(context, param, kind, id) } else { Expr::Or(Vec::new()) });
    }
    if !ResourceId::is_legal(local) {
        let lookup = context.catalogue.hasher().uri(param.param, &value);
        return Ok(key(param, lookup, None));
    }
    let kinds = match narrowed {
        Some(kind) => vec![kind],
        None if (1..=BARE_ID_TYPES_MAX).contains(&param.targets.len()) => param.targets.clone(),
        None => {
            let text = "this can point to many types: name the type, as in Patient/1";
            return Err(Refusal::value(param.definition.code, text));
        }
    };
    let mut tests: Vec<Expr> = kinds.iter().map(|k| target(context, param, *k, local)).collect();
    Ok(match (tests.len(), tests.pop()) {
        (1, Some(single)) => single,
        (_, last) => Expr::Or(tests.into_iter().chain(last).collect()),
    })
}

fn allows(param: &ParamPlan, kind: ResourceType) -> bool {
    param.targets.is_empty() || param.targets.contains(&kind)
}

fn target(context: QueryContext<'_>, param: &ParamPlan, kind: ResourceType, id: &str) -> Expr {
    let hasher = context.catalogue.hasher();
    let identity = hasher.identity(kind, id);
    let owner = kind == ResourceType::PATIENT && param.compartment;
    Expr::Key(KeyTest {
        lookup: hasher.reference(param.param, identity),
        facet: None,
        patient: owner.then_some(identity),
        timed: false,
        breadth: Breadth::Owned,
    })
}

/// Splits at commas that are not escaped.
fn split_values(value: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = value;
    while let Some((first, more)) = split_unescaped(rest, ',') {
        out.push(first);
        rest = more;
    }
    out.push(rest);
    out
}

fn split_unescaped(text: &str, at: char) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (index, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if letter == at => {
                return text.get(..index).zip(text.get(index + at.len_utf8()..));
            }
            _ => {}
        }
    }
    None
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => out.extend(letters.next()),
            plain => out.push(plain),
        }
    }
    out
}

/// Parameters spelt like a wrong one.
fn near(plan: &TypePlan, code: &str) -> String {
    let mut best: Vec<(usize, &str)> = plan
        .params
        .iter()
        .map(|p| (distance(code, p.definition.code), p.definition.code))
        .filter(|(distance, _)| *distance <= 2)
        .collect();
    best.sort_unstable();
    let names: Vec<String> = best.iter().take(3).map(|(_, name)| format!("`{name}`")).collect();
    if names.is_empty() { String::new() } else { format!("; did you mean {}?", names.join(", ")) }
}

/// Levenshtein's distance, for short names.
fn distance(a: &str, b: &str) -> usize {
    if a.len() > 64 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (n, x) in a.chars().enumerate() {
        let mut corner = n;
        let mut left = n + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b.chars()) {
            let here = (corner + usize::from(x != y)).min(left + 1).min(*cell + 1);
            corner = *cell;
            *cell = here;
            left = here;
        }
        if let Some(first) = row.first_mut() {
            *first = n + 1;
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}
