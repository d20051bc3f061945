//! Random chains, reverse chains, compartments, quantities and composites over a generated population find
//! what a naive reading of the resources finds.

use anyhow::{Context, Result};
use canonical_model::Value;
use it::Fixture;

use crate::search_model::{target, values};
use crate::search_random::{Dice, Tally, encode, escape, population, text};

const SEARCHES: usize = 300;

/// A type, a reference of it, where it is, and the type it leads to.
type Link = (&'static str, &'static str, &'static str, &'static str);

const LINKS: [Link; 5] = [
    ("Observation", "patient", "subject", "Patient"),
    ("Observation", "encounter", "encounter", "Encounter"),
    ("Condition", "subject", "subject", "Patient"),
    ("Condition", "encounter", "encounter", "Encounter"),
    ("Encounter", "patient", "subject", "Patient"),
];

/// A search as a path and query, and what it means.
struct Case {
    kind: &'static str,
    path: String,
    holds: Box<dyn Fn(&Value) -> bool>,
}

fn leads(resource: &Value, element: &str, to: (&str, &str)) -> bool {
    values(resource, &[element]).into_iter().any(|value| target(value) == Some(to))
}

/// `Observation?patient.gender=…`
fn chain(dice: &mut Dice<'_>, all: &[Value]) -> Option<Case> {
    let (kind, code, element, to) = *dice.random.choice(&LINKS)?;
    let (asked, criterion) = dice.criterion(to)?;
    let named = if dice.random.bool() { format!(":{to}") } else { String::new() };
    let ends: Vec<String> = all
        .iter()
        .filter(|value| text(value, "resourceType") == to && criterion.holds(value))
        .map(|value| text(value, "id").to_owned())
        .collect();
    let holds = move |value: &Value| ends.iter().any(|id| leads(value, element, (to, id)));
    Some(Case { kind, path: format!("{kind}?{code}{named}.{asked}"), holds: Box::new(holds) })
}

/// `Patient?_has:Observation:patient:code=…`
fn has(dice: &mut Dice<'_>, all: &[Value]) -> Option<Case> {
    let (from, code, element, kind) = *dice.random.choice(&LINKS)?;
    let (asked, criterion) = dice.criterion(from)?;
    let referring = all.iter().filter(|value| text(value, "resourceType") == from);
    let ends: Vec<Value> = referring.filter(|value| criterion.holds(value)).cloned().collect();
    let holds = move |value: &Value| {
        let own = (kind, text(value, "id"));
        ends.iter().any(|end| leads(end, element, own))
    };
    Some(Case { kind, path: format!("{kind}?_has:{from}:{code}:{asked}"), holds: Box::new(holds) })
}

/// `Patient/1/Observation?status=…`
fn compartment(dice: &mut Dice<'_>, all: &[Value]) -> Option<Case> {
    let patients: Vec<&Value> =
        all.iter().filter(|value| text(value, "resourceType") == "Patient").collect();
    let id = text(dice.random.choice(&patients)?, "id").to_owned();
    let kind = ["Observation", "Encounter", "Condition"][dice.random.usize(..3)];
    let (asked, criterion) = dice.criterion(kind)?;
    let path = format!("Patient/{id}/{kind}?{asked}");
    let holds =
        move |value: &Value| leads(value, "subject", ("Patient", &id)) && criterion.holds(value);
    Some(Case { kind, path, holds: Box::new(holds) })
}

/// A number in millionths, and half of its last written place.
fn millionths(number: &str) -> (i64, i64) {
    let (whole, after) = number.split_once('.').unwrap_or((number, ""));
    let places = u32::try_from(after.len()).unwrap_or(0);
    let digits: i64 = format!("{whole}{after}").parse().unwrap_or(0);
    (digits * 10_i64.pow(6 - places), 5 * 10_i64.pow(5 - places))
}

const PREFIXES: [&str; 8] = ["", "eq", "ne", "gt", "lt", "ge", "le", "ap"];

fn compares(prefix: &str, asked: (i64, i64), value: i64) -> bool {
    let (at, half) = asked;
    let equal = at - half <= value && value < at + half;
    match prefix {
        "ne" => !equal,
        "gt" => value > at,
        "lt" => value < at,
        "ge" => value >= at,
        "le" => value <= at,
        "ap" => {
            let slack = (at.abs() / 10).max(half);
            at - slack <= value && value < at + slack
        }
        _ => equal,
    }
}

/// The quantity, and the code, of an element that is measured.
fn measured(element: &Value) -> Option<(String, String, String)> {
    let quantity = element.get("valueQuantity")?;
    let code = element.get("code")?.get("coding")?.items().first()?.get("code")?.as_str()?;
    let number = quantity.get("value")?.as_number()?.as_str().to_owned();
    Some((number, quantity.get("code")?.as_str()?.to_owned(), code.to_owned()))
}

/// What is measured by the resource, and by its components.
fn all_measured(resource: &Value) -> Vec<(bool, (String, String, String))> {
    let own = measured(resource).map(|it| (true, it));
    let parts = values(resource, &["component"]).into_iter().filter_map(measured);
    own.into_iter().chain(parts.map(|it| (false, it))).collect()
}

/// `value-quantity=…`, `component-code-value-quantity=…` and their like.
fn quantity(dice: &mut Dice<'_>, all: &[Value]) -> Option<Case> {
    let every: Vec<_> = all.iter().flat_map(all_measured).collect();
    let (number, unit, code) = dice.random.choice(&every)?.1.clone();
    let asked = millionths(&number);
    let prefix = PREFIXES[dice.random.usize(..PREFIXES.len())];
    let (param, own, parts) = [
        ("value-quantity", true, false),
        ("component-value-quantity", false, true),
        ("combo-value-quantity", true, true),
        ("code-value-quantity", true, false),
        ("component-code-value-quantity", false, true),
        ("combo-code-value-quantity", true, true),
    ][dice.random.usize(..6)];
    let composite = param.contains("code");
    // Others are commensurable with more than themselves, in UCUM even mmol/L with 10*6/uL.
    if !composite && !["mm[Hg]", "Cel", "cm"].contains(&unit.as_str()) {
        return None;
    }
    let head = if composite { format!("{}$", escape(&code)) } else { String::new() };
    let path =
        format!("Observation?{param}={head}{prefix}{number}|http://unitsofmeasure.org|{unit}");
    let holds = move |value: &Value| {
        all_measured(value).into_iter().any(|(is_own, (of, in_unit, with))| {
            (if is_own { own } else { parts })
                && in_unit == unit
                && (!composite || with == code)
                && compares(prefix, asked, millionths(&of).0)
        })
    };
    Some(Case { kind: "Observation", path, holds: Box::new(holds) })
}

#[tokio::test]
async fn random_links_find_what_a_reading_finds() -> Result<()> {
    let server = Fixture::start().await?;
    let all = population(&server.client).await?;
    let mut dice =
        Dice { random: fastrand::Rng::with_seed(77), base: &server.client.base, all: &all };
    let makes = [chain, has, compartment, quantity];
    let mut tally = Tally::default();
    for n in 0..SEARCHES {
        let Some(case) = makes[n % makes.len()](&mut dice, &all) else { continue };
        let (path, query) = case.path.split_once('?').context("a query")?;
        let query = format!("/{path}?{}", encode(query));
        let of_kind = all.iter().filter(|value| text(value, "resourceType") == case.kind);
        let matching = of_kind.filter(|value| (case.holds)(value));
        tally
            .judge(&server.client, &query, matching.map(|value| text(value, "id")).collect())
            .await?;
    }
    tally.finish()
}
