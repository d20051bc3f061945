//! Makes a failing search small: fewer criteria, fewer values, fewer resources. What is left is kept in
//! `regressions.jsonl` beside this file, which is played first.

use std::collections::BTreeSet;
use std::io::Write;

use anyhow::{Context, Result};
use canonical_model::{Value, object};

use super::ask::{Ask, Criterion, Filter};
use super::include::joining;
use super::judge::{Server, fault};
use super::world::{ALL, World, name};

/// Servers that are started to find the fewest resources, and again for their past.
const TRIES_MAX: usize = 80;

/// Where cases are kept.
pub(super) fn kept() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/search_property/regressions.jsonl")
}

/// The smallest search that still fails, and the fewest resources; adds it to those that are kept.
pub(super) async fn shrink(server: &Server, world: &World, ask: Ask) -> Result<String> {
    let mut ask = ask;
    'again: loop {
        for simpler in simpler(&ask) {
            if fault(server, world, &simpler).await?.is_some() {
                ask = simpler;
                continue 'again;
            }
        }
        break;
    }
    let world = fewest(world, &ask).await?;
    let server = Server::holding(&world).await?;
    let said = fault(&server, &world, &ask).await?.unwrap_or_default();
    keep(&world, &ask)?;
    let by = ask.caller.as_ref().map(|it| format!(" of {} with {}", it.patient, it.scope()));
    Ok(format!("{}{}: {said}", ask.url("BASE"), by.unwrap_or_default()))
}

/// Takes away halves, then quarters, down to single writes: what was first, then what is.
async fn fewest(world: &World, ask: &Ask) -> Result<World> {
    let world = fewer(world.clone(), ask, |world| &mut world.past).await?;
    fewer(world, ask, |world| &mut world.now).await
}

async fn fewer(
    mut world: World,
    ask: &Ask,
    of: fn(&mut World) -> &mut Vec<Value>,
) -> Result<World> {
    let mut size = of(&mut world).len();
    let mut tries = 0;
    while size > 0 {
        let mut first = 0;
        while first < of(&mut world).len() && tries < TRIES_MAX {
            tries += 1;
            let end = (first + size).min(of(&mut world).len());
            let mut left = world.clone();
            of(&mut left).drain(first..end);
            let server = Server::holding(&left).await?;
            match fault(&server, &left, ask).await? {
                Some(_) => world = left,
                None => first = end,
            }
        }
        size /= 2;
    }
    Ok(world)
}

fn keep(world: &World, ask: &Ask) -> Result<()> {
    let seen = world.seen(ask.caller.as_ref());
    let expected = match ask.is_forbidden() {
        true => BTreeSet::new(),
        false => seen.now.iter().filter(|it| ask.holds(&seen, it)).map(name).collect(),
    };
    let names = |names: &BTreeSet<String>| -> Vec<Value> {
        names.iter().map(|it| Value::from(it.as_str())).collect()
    };
    let mut case = object! {
        "search": ask.url("BASE"), "expected": names(&expected),
        "included": names(&joining(&seen, ask, &expected)),
        "resources": world.now.clone(), "past": world.past.clone(),
    };
    if let Some(caller) = &ask.caller {
        case.set("patient", Value::from(caller.patient.as_str()));
        case.set("scope", Value::from(caller.scope().as_str()));
    }
    if ask.is_forbidden() {
        case.set("forbidden", Value::from(true));
    }
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(kept())?;
    writeln!(file, "{}", Value::from(case).to_text()).context("a case is kept")
}

/// Searches that ask a little less.
fn simpler(ask: &Ask) -> Vec<Ask> {
    let mut all = Vec::new();
    all.extend(ask.caller.is_some().then(|| Ask { caller: None, ..ask.clone() }));
    for n in 0..ask.includes.len() {
        let mut less = ask.clone();
        less.includes.remove(n);
        all.push(less);
    }
    for n in 0..ask.sort.len() {
        let mut less = ask.clone();
        less.sort.remove(n);
        all.push(less);
    }
    for n in 0..ask.kinds.len() {
        let mut less = ask.clone();
        less.kinds.remove(n);
        // All types, and one, are asked for otherwise.
        if (2..ALL.len() - 1).contains(&less.kinds.len()) {
            all.push(less);
        }
    }
    for (n, criterion) in ask.criteria.iter().enumerate() {
        if ask.criteria.len() > 1 {
            let mut less = ask.clone();
            less.criteria.remove(n);
            all.push(less);
        }
        for other in narrower(criterion) {
            let mut less = ask.clone();
            if let Some(place) = less.criteria.get_mut(n) {
                *place = other;
            }
            all.push(less);
        }
    }
    all
}

fn narrower(criterion: &Criterion) -> Vec<Criterion> {
    match criterion {
        Criterion::Values { param, modifier, negated, values } if values.len() > 1 => {
            let without = |n: usize| {
                let mut values = values.clone();
                values.remove(n);
                Criterion::Values { param, modifier, negated: *negated, values }
            };
            (0..values.len()).map(without).collect()
        }
        Criterion::Chain(link, named, inner) => {
            let less = narrower(inner).into_iter();
            less.map(|inner| Criterion::Chain(link, *named, Box::new(inner))).collect()
        }
        Criterion::Has(link, inner) => {
            narrower(inner).into_iter().map(|inner| Criterion::Has(link, Box::new(inner))).collect()
        }
        Criterion::Id(ids) if ids.len() > 1 => {
            ids.iter().map(|id| Criterion::Id(vec![id.clone()])).collect()
        }
        Criterion::Filter(Filter::And(a, b) | Filter::Or(a, b)) => {
            vec![Criterion::Filter(*a.clone()), Criterion::Filter(*b.clone())]
        }
        Criterion::Filter(Filter::Not(inner)) => vec![Criterion::Filter(*inner.clone())],
        Criterion::Values { .. }
        | Criterion::Missing(..)
        | Criterion::Id(_)
        | Criterion::Filter(_) => Vec::new(),
    }
}
