//! `auth`: what rights and the record cost a read, each against a server that leaves it out; tokens at a fixed rate;
//! searches under a constraint against the same searches without.

use super::{
    bed::{Bed, Side},
    options::Options,
};
use crate::{
    load::{
        Answer, Asks, Call, Client, Endpoint, Loop, Measured, Mode, Watched, Workload, run_loop,
        shown,
    },
    ours::{self, Credentials, Without},
    report::{Floor, Row},
};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::time::Duration;

const NAME: &str = "auth";

/// Connections of reads: those at which they are the most.
const READERS: usize = 32;
/// Connections of searches.
const SEARCHERS: usize = 8;

/// Patients that are read and searched, and a few that nothing asks for.
const SEEDED: (u64, u64) = (20_000, 8);
const SEEDED_QUICK: (u64, u64) = (400, 8);

/// Tokens a second, and the p99 of one, at most, in milliseconds.
const TOKENS_PER_S: f64 = 100.0;
const MOST_TOKEN_TAIL_MS: f64 = 50.0;

/// The time of a search under a constraint over the same without, at most.
const MOST_CONSTRAINED: f64 = 1.3;

const WHOLE: &str = "system/Patient.rs";

/// Searches, and a scope with a constraint that all that they find meets.
const CONSTRAINED: [(&str, &str, &str); 3] = [
    ("what is searched for", "/Patient?gender=female&_count=20", "system/Patient.rs?gender=female"),
    ("something else", "/Patient?gender=female&_count=20", "system/Patient.rs?active=true"),
    (
        "all, newest first",
        "/Patient?_sort=-_lastUpdated&_count=20",
        "system/Patient.rs?active=true",
    ),
];

/// Measures, prints and writes; tells whether every floor was reached.
pub(crate) async fn measure(options: &Options) -> Result<bool> {
    options.check()?;
    let repeats = options.repeats();
    let steps = 3 * repeats as usize + 1 + CONSTRAINED.len() * 2 * repeats as usize + 4;
    let mut bed = Bed::set_up(options, steps).await?;
    let (patients, existing) = if options.quick { SEEDED_QUICK } else { SEEDED };
    bed.seed(patients, existing).await?;
    let mut rows = reads(&mut bed, options).await?;
    bed.restart_without(None).await?;
    rows.push(tokens(&mut bed, options).await?);
    for (what, path, scope) in CONSTRAINED {
        rows.push(constrained(&mut bed, options, what, path, scope).await?);
    }
    let report = bed.report(NAME, rows).await?;
    report.publish(&options.out)?;
    Ok(report.passed())
}

/// Reads with everything on, without the record and without rights, in turn, so that the machine's moods hit all.
async fn reads(bed: &mut Bed, options: &Options) -> Result<Vec<Row>> {
    let kinds = [None, Some(Without::Record), Some(Without::Rights)];
    let mut best: [Option<Measured>; 3] = Default::default();
    for _ in 0..options.repeats() {
        for (without, best) in kinds.into_iter().zip(&mut best) {
            bed.restart_without(without).await?;
            let mode = Mode::Closed(options.run_time());
            let run = bed.run(Side::Ours, Workload::Read, mode, READERS).await?;
            let better = |known: &Measured| known.requests_per_s < run.requests_per_s;
            if best.as_ref().is_none_or(better) {
                *best = Some(run);
            }
        }
    }
    let [Some(all), Some(unrecorded), Some(unauthorized)] = best else {
        anyhow::bail!("nothing was measured");
    };
    Ok([("the record", unrecorded), ("rights", unauthorized)]
        .into_iter()
        .flat_map(|(what, without)| costs(what, &all, &without))
        .collect())
}

/// What a read costs with everything on, beside one without something: its rate, and its processor time.
fn costs(what: &str, all: &Measured, without: &Measured) -> [Row; 2] {
    let rate = |run: &Measured| (value(run), format!("{:.0}/s", run.requests_per_s));
    let cost = |run: &Measured| (value(run), format!("{:.1} µs", run.cost_us()));
    let share = all.requests_per_s / without.requests_per_s.max(1e-9);
    let more = all.cost_us() / without.cost_us().max(1e-9);
    [
        Row::new(format!("reads with all on over those without {what}"), share, "ratio")
            .sides(rate(all), rate(without)),
        Row::new(format!("processor time of one, over that without {what}"), more, "ratio")
            .sides(cost(all), cost(without)),
    ]
}

fn value(run: &Measured) -> Value {
    serde_json::to_value(run).unwrap_or_default()
}

/// Tokens of a client for itself, at a fixed rate.
async fn tokens(bed: &mut Bed, options: &Options) -> Result<Row> {
    let (endpoint, watched) = bed.ours_for(None).await?;
    let endpoint = Endpoint { authorization: None, ..endpoint.at("") };
    let credentials = bed.credentials().cloned().context("nobody may get tokens")?;
    let mode = Mode::Open(TOKENS_PER_S, options.run_time() * 2);
    let turns = turns("token", mode, READERS, options.warm_up());
    let make = |_| Asker { credentials: credentials.clone() };
    let run = run_loop(&endpoint, watched, &turns, make).await?;
    bed.note("ours token, open loop", &run);
    let name = "token of a program, p99 at 100/s";
    Ok(Row::budget(name, run.p99_ms, MOST_TOKEN_TAIL_MS, "ms", options.judged()))
}

/// A search under a constraint and without, in turn.
async fn constrained(
    bed: &mut Bed,
    options: &Options,
    what: &str,
    path: &str,
    scope: &str,
) -> Result<Row> {
    let mut best: [Option<Measured>; 2] = Default::default();
    let mut found = Vec::new();
    for _ in 0..options.repeats() {
        for (scope, best) in [scope, WHOLE].into_iter().zip(&mut best) {
            let (endpoint, watched) = bed.ours_for(Some(scope)).await?;
            found.push(names(&endpoint, path).await?);
            let run = search(&endpoint, watched, path, options).await?;
            bed.note(&format!("ours {path} as {scope}"), &run);
            if best.as_ref().is_none_or(|known| known.requests_per_s < run.requests_per_s) {
                *best = Some(run);
            }
        }
    }
    let same = found.windows(2).all(|pair| pair.first() == pair.last());
    ensure!(same && found.first().is_some_and(|it| !it.is_empty()), "{path}: they differ");
    let [Some(under), Some(whole)] = best else { anyhow::bail!("nothing was measured") };
    let ratio = whole.requests_per_s / under.requests_per_s.max(1e-9);
    let cell = |run: &Measured| (json!(run), format!("{:.0}/s", run.requests_per_s));
    Ok(Row::new(format!("time under a constraint on {what}, over that without"), ratio, "ratio")
        .sides(cell(&under), cell(&whole))
        .held_to(Floor::AtMost(MOST_CONSTRAINED), options.judged()))
}

async fn search(
    endpoint: &Endpoint,
    watched: Watched,
    path: &str,
    options: &Options,
) -> Result<Measured> {
    let mode = Mode::Closed(options.run_time());
    let turns = turns("search", mode, SEARCHERS, options.warm_up());
    run_loop(endpoint, watched, &turns, |_| Searcher { path: path.to_owned() }).await
}

fn turns(name: &'static str, mode: Mode, clients: usize, warm_up: Duration) -> Loop<'static> {
    Loop { name, mode, clients, warm_up, resources: 1 }
}

/// The URLs of what is found, in its order.
async fn names(endpoint: &Endpoint, path: &str) -> Result<Vec<String>> {
    let answer = Client::new(endpoint.clone()).send(Call::get(path.to_owned())).await?;
    ensure!(answer.status.is_success(), "{path}: {}", shown(&answer.body));
    let body: Value = serde_json::from_slice(&answer.body)?;
    let entries = body.get("entry").and_then(Value::as_array).into_iter().flatten();
    let matches = entries
        .filter(|entry| entry.pointer("/search/mode").and_then(Value::as_str) == Some("match"));
    Ok(matches.filter_map(|it| Some(it.get("fullUrl")?.as_str()?.to_owned())).collect())
}

struct Asker {
    credentials: Credentials,
}

impl Asks for Asker {
    fn call(&mut self) -> Result<Call> {
        Ok(ours::token_call(&self.credentials, WHOLE))
    }

    fn accept(&mut self, answer: &Answer) -> Result<()> {
        ensure!(answer.status.is_success(), "{}: {}", answer.status, shown(&answer.body));
        Ok(())
    }
}

struct Searcher {
    path: String,
}

impl Asks for Searcher {
    fn call(&mut self) -> Result<Call> {
        Ok(Call::get(self.path.clone()))
    }

    fn accept(&mut self, answer: &Answer) -> Result<()> {
        ensure!(answer.status.is_success(), "{}: {}", answer.status, shown(&answer.body));
        ensure!(answer.body.ends_with(b"}"), "the answer is cut");
        Ok(())
    }
}
