//! `store`: the five kinds of work, ours and the limit in turn, at 1, 8 and 32 clients and in an
//! open loop at half of each one's peak; then tails, memory, disk and start.

use super::{
    bed::{Bed, Side},
    options::Options,
};
use crate::{
    load::{Measured, Mode, Workload},
    report::{Floor, Row},
};
use anyhow::{Context as _, Result};
use serde_json::{Value, json};

const NAME: &str = "store";

/// Closed loops; a ratio is taken at the best of each side.
const CLIENTS: [usize; 3] = [1, 8, 32];

/// Tails are judged here: enough clients for a queue, few enough that the pool is not it.
const TAIL_CLIENTS: usize = 8;

/// Connections of an open loop; requests that find none free wait, and their wait counts.
const OPEN_CLIENTS: usize = 32;

/// Patients that are read and updated, and those that conditional creates find.
const SEEDED: (u64, u64) = (20_000, 2_000);
const SEEDED_QUICK: (u64, u64) = (400, 50);

/// Ours over the limit, at least.
fn least_ratio(workload: Workload) -> f64 {
    match workload {
        Workload::Read => 0.80,
        Workload::Create | Workload::Update | Workload::ConditionalCreate => 0.50,
        Workload::Transaction => 0.35,
    }
}

/// The p99 at [`TAIL_CLIENTS`], at most, in milliseconds.
fn most_tail_ms(workload: Workload) -> Option<f64> {
    match workload {
        Workload::Read => Some(3.0),
        Workload::Create => Some(12.0),
        Workload::Update | Workload::ConditionalCreate | Workload::Transaction => None,
    }
}

/// Resources per second of the best other FHIR server known, with authorization on, on a machine
/// of two cores; and how many times that is asked for at least.
fn peer(workload: Workload) -> (f64, f64) {
    match workload {
        Workload::Read => (7583.0, 1.0),
        Workload::Create => (522.0, 3.0),
        Workload::Update => (518.0, 3.0),
        Workload::ConditionalCreate => (497.0, 3.0),
        Workload::Transaction => (2030.0, 3.0),
    }
}

/// A p99 of creates while PostgreSQL writes a checkpoint, at most.
const MOST_CHECKPOINT_TAIL_MS: f64 = 30.0;

/// Memory of the server, at most.
pub(super) const MOST_MEMORY_MIB: f64 = 150.0;

/// Index tables and indexes over the resources, at most.
pub(super) const MOST_INDEX_SHARE: f64 = 1.0;

/// From the start of the binary to ready, at most.
const MOST_READY_MS: f64 = 1000.0;

/// All runs of one side and one workload.
#[derive(Default)]
struct Runs {
    /// The best repeat at each of [`CLIENTS`].
    closed: Vec<Measured>,
    open: Option<Measured>,
    /// The best p99 at [`TAIL_CLIENTS`].
    tail_ms: f64,
}

impl Runs {
    fn best(&self) -> Result<&Measured> {
        let best = self.closed.iter().max_by(|a, b| a.requests_per_s.total_cmp(&b.requests_per_s));
        best.context("nothing was measured")
    }

    fn json(&self) -> Result<Value> {
        let closed: serde_json::Map<String, Value> = self
            .closed
            .iter()
            .map(|run| Ok((run.clients.to_string(), serde_json::to_value(run)?)))
            .collect::<Result<_>>()?;
        Ok(json!({ "best": self.best()?, "closed": closed, "open": self.open }))
    }
}

/// Measures, prints and writes; tells whether every floor was reached.
pub(crate) async fn measure(options: &Options) -> Result<bool> {
    options.check()?;
    let workloads = options.workloads();
    let each = CLIENTS.len() * options.repeats() as usize + 1;
    let mut bed = Bed::set_up(options, (workloads.len() * each + 4) * 2).await?;
    let (patients, existing) = if options.quick { SEEDED_QUICK } else { SEEDED };
    bed.seed(patients, existing).await?;
    let mut rows = Vec::new();
    let (mut tails, mut peers) = (Vec::new(), Vec::new());
    for workload in workloads {
        let [ours, limit] = measure_workload(&mut bed, workload, options).await?;
        rows.push(throughput_row(workload, &ours, &limit, options)?);
        tails.extend(tail_row(workload, &ours, &limit, options));
        peers.push(peer_row(workload, &ours, options)?);
    }
    rows.extend(tails);
    rows.extend(peers);
    rows.push(checkpoint_row(&mut bed, options).await?);
    rows.extend(budget_rows(&mut bed, options).await?);
    let report = bed.report(NAME, rows).await?;
    report.publish(&options.out)?;
    Ok(report.passed())
}

/// Runs ours and the limit in turn, so that the machine's moods hit both.
async fn measure_workload(
    bed: &mut Bed,
    workload: Workload,
    options: &Options,
) -> Result<[Runs; 2]> {
    let mut runs = [Runs::default(), Runs::default()];
    // Once: what the first writes behind a checkpoint cost is measured by itself, below.
    bed.checkpoint().await?;
    for clients in CLIENTS {
        let mut repeats: [Vec<Measured>; 2] = Default::default();
        for _ in 0..options.repeats() {
            for (side, repeats) in Side::BOTH.into_iter().zip(&mut repeats) {
                let mode = Mode::Closed(options.run_time());
                repeats.push(bed.run(side, workload, mode, clients).await?);
            }
        }
        for (runs, repeats) in runs.iter_mut().zip(repeats) {
            if clients == TAIL_CLIENTS {
                runs.tail_ms = repeats.iter().map(|run| run.p99_ms).fold(f64::MAX, f64::min);
            }
            let best =
                repeats.into_iter().max_by(|a, b| a.requests_per_s.total_cmp(&b.requests_per_s));
            runs.closed.extend(best);
        }
    }
    for (side, runs) in Side::BOTH.into_iter().zip(&mut runs) {
        let mode = Mode::Open(runs.best()?.requests_per_s / 2.0, options.run_time());
        runs.open = Some(bed.run(side, workload, mode, OPEN_CLIENTS).await?);
    }
    Ok(runs)
}

fn throughput_row(workload: Workload, ours: &Runs, limit: &Runs, options: &Options) -> Result<Row> {
    let per_s = |runs: &Runs| runs.best().map(|best| best.resources_per_s);
    let cell = |runs: &Runs| per_s(runs).map(|per_s| format!("{per_s:.0}/s"));
    let ratio = per_s(ours)? / per_s(limit)?.max(1e-9);
    Ok(Row::new(workload.name(), ratio, "ratio")
        .sides((ours.json()?, cell(ours)?), (limit.json()?, cell(limit)?))
        .held_to(Floor::AtLeast(least_ratio(workload)), options.judged()))
}

/// Ours over a peer's known figure: another machine, so only the size of the gap counts.
fn peer_row(workload: Workload, ours: &Runs, options: &Options) -> Result<Row> {
    let (peer_per_s, least) = peer(workload);
    let per_s = ours.best()?.resources_per_s;
    let side = |per_s: f64| (json!({ "resources_per_s": per_s }), format!("{per_s:.0}/s"));
    Ok(Row::new(
        format!("{}, over the best peer known", workload.name()),
        per_s / peer_per_s,
        "ratio",
    )
    .sides(side(per_s), side(peer_per_s))
    .held_to(Floor::AtLeast(least), options.judged()))
}

fn tail_row(workload: Workload, ours: &Runs, limit: &Runs, options: &Options) -> Option<Row> {
    let most = most_tail_ms(workload)?;
    let name = format!("{}, p99 at {TAIL_CLIENTS} clients", workload.name());
    Some(latency_row(name, ours.tail_ms, limit.tail_ms, most, options))
}

fn latency_row(name: String, ours: f64, limit: f64, most: f64, options: &Options) -> Row {
    let side = |ms: f64| (json!({ "p99_ms": ms }), format!("{ms:.2} ms"));
    Row::new(name, ours, "ms")
        .ratio(limit / ours.max(1e-9))
        .sides(side(ours), side(limit))
        .held_to(Floor::AtMost(most), options.judged())
}

/// Creates while a checkpoint is written in the middle of the run.
async fn checkpoint_row(bed: &mut Bed, options: &Options) -> Result<Row> {
    let mut tails = [0.0, 0.0];
    for (side, tail) in Side::BOTH.into_iter().zip(&mut tails) {
        *tail = bed.run_across_checkpoint(side, options.run_time(), TAIL_CLIENTS).await?.p99_ms;
    }
    let name = format!("create, p99 at {TAIL_CLIENTS} clients across a checkpoint");
    let [ours, limit] = tails;
    Ok(latency_row(name, ours, limit, MOST_CHECKPOINT_TAIL_MS, options))
}

/// What ours may use: memory, disk, time to start. Left out where it cannot be seen from here.
async fn budget_rows(bed: &mut Bed, options: &Options) -> Result<Vec<Row>> {
    let judged = options.judged();
    let memory = bed.peak_memory_mib().filter(|_| !options.noise);
    let sizes = bed.sizes().await?;
    let ready = bed.restart().await?;
    let memory = memory.map(|mib| Row::budget("memory, peak", mib, MOST_MEMORY_MIB, "MiB", judged));
    let share = sizes.map(|sizes| index_row(&sizes, judged)).transpose()?;
    let ready = ready.map(|ready| {
        let ms = ready.as_secs_f64() * 1000.0;
        Row::budget("start to ready", ms, MOST_READY_MS, "ms", judged)
    });
    Ok([memory, share, ready].into_iter().flatten().collect())
}

/// The share of indexes on disk.
pub(super) fn index_row(sizes: &crate::sizes::Sizes, judged: bool) -> Result<Row> {
    let name = "indexes over resources, on disk";
    let mut row = Row::budget(name, sizes.index_share(), MOST_INDEX_SHARE, "ratio", judged);
    row.ours = serde_json::to_value(sizes)?;
    Ok(row)
}
