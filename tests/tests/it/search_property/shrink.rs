//! Makes a failing search small: fewer criteria, fewer values, fewer resources. What is left is kept in
//! `regressions.jsonl` beside this file, which is played first.

use std::io::Write;

use anyhow::{Context, Result};
use canonical_model::{Value, object};
use it::Client;

use super::ask::{Ask, Criterion, Filter};
use super::judge::{fault, holding};
use super::world::{World, part};

/// Servers that are started to find the fewest resources, and again for their past.
const TRIES_MAX: usize = 80;

/// Where cases are kept.
pub(super) fn kept() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/search_property/regressions.jsonl")
}

/// The smallest search that still fails, and the fewest resources; adds it to those that are kept.
pub(super) async fn shrink(client: &Client, world: &World, ask: Ask) -> Result<String> {
    let mut ask = ask;
    'again: loop {
        for simpler in simpler(&ask) {
            if fault(client, world, &simpler).await?.is_some() {
                ask = simpler;
                continue 'again;
            }
        }
        break;
    }
    let world = fewest(world, &ask).await?;
    let server = holding(&world).await?;
    let said = fault(&server.client, &world, &ask).await?.unwrap_or_default();
    keep(&world, &ask)?;
    Ok(format!("{}: {said}", ask.url("BASE")))
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
            let server = holding(&left).await?;
            match fault(&server.client, &left, ask).await? {
                Some(_) => world = left,
                None => first = end,
            }
        }
        size /= 2;
    }
    Ok(world)
}

fn keep(world: &World, ask: &Ask) -> Result<()> {
    let expected = world.now.iter().filter(|it| ask.holds(world, it));
    let expected: Vec<Value> = expected.map(|it| Value::from(part(it, "id"))).collect();
    let case = object! {
        "search": ask.url("BASE"), "expected": expected, "resources": world.now.clone(),
        "past": world.past.clone(),
    };
    let mut file = std::fs::OpenOptions::new().append(true).create(true).open(kept())?;
    writeln!(file, "{}", Value::from(case).to_text()).context("a case is kept")
}

/// Searches that ask a little less.
fn simpler(ask: &Ask) -> Vec<Ask> {
    let mut all = Vec::new();
    for n in 0..ask.sort.len() {
        let mut less = ask.clone();
        less.sort.remove(n);
        all.push(less);
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
