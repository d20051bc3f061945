//! `index-designs`: inverted rows against GIN over an array, for the decision between them: what
//! writes cost, what the index takes on disk, how fast five searches are, at two sizes.

mod design;
mod drive;
mod model;

use crate::{
    limits::{RESOURCES_MAX, TIMED_MAX},
    load::Measured,
    machine,
    postgres::Postgres,
    report::{Report, Row},
};
use anyhow::{Context as _, Result, ensure};
use design::Design;
use drive::{Disk, Store, Work};
use indicatif::ProgressBar;
use model::Query;
use serde_json::json;
use std::{fs, path::PathBuf, time::Duration};

const NAME: &str = "index-designs";

/// What to compare.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Resources at each measurement, growing
    #[arg(long, value_delimiter = ',', default_values_t = [100_000, 1_000_000])]
    sizes: Vec<u64>,
    /// Seconds of each timed run
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Superuser's address of a PostgreSQL on this machine, in place of a private one
    #[arg(long)]
    database_url: Option<String>,
    /// Folder of the report and of the run's files
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
}

/// What was seen of a design at a size: named runs, and its disk.
struct Seen {
    design: Design,
    size: u64,
    runs: Vec<(&'static str, Measured)>,
    disk: Disk,
}

/// Measures, prints and writes. Nothing is judged: the figures are for a decision.
pub(crate) async fn measure(options: &Options) -> Result<bool> {
    let growing = options.sizes.windows(2).all(|pair| pair.first() < pair.last());
    let bounds = options.sizes.iter().all(|size| (1000..=RESOURCES_MAX).contains(size));
    ensure!(
        growing && bounds && !options.sizes.is_empty(),
        "--sizes: 1000 to {RESOURCES_MAX}, growing"
    );
    let seconds = options.seconds;
    ensure!(seconds >= 0.05 && seconds <= TIMED_MAX.as_secs_f64(), "--seconds: 0.05 to 240");
    let folder = std::path::absolute(&options.out)?.join(format!("run-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let postgres = match &options.database_url {
        Some(url) => Postgres::given(url).await?,
        None => Postgres::private(&folder).await?,
    };
    let progress = ProgressBar::new((Design::ALL.len() * options.sizes.len()) as u64);
    let mut seen = Vec::new();
    for design in Design::ALL {
        let store = Store::create(&postgres, design, 1).await?;
        for &size in &options.sizes {
            progress.set_message(format!("{} at {size}", design.name()));
            seen.push(look(&store, size, Duration::from_secs_f64(seconds)).await?);
            progress.inc(1);
        }
        store.remove().await?;
    }
    progress.finish_and_clear();
    let report = Report {
        suite: NAME.into(),
        machine: machine::description(&postgres.description().await?),
        commit: machine::commit(),
        rows: rows(&seen)?,
        noise_cores: noisiest(&seen),
        details: details(&seen),
    };
    drop(postgres);
    fs::remove_dir_all(&folder)?;
    report.publish(&options.out)?;
    Ok(true)
}

/// Loads to `size`, then measures disk, searches and writes, in this order: writes disturb.
async fn look(store: &Store<'_>, size: u64, each: Duration) -> Result<Seen> {
    let mut runs = vec![("load in 50s", store.run(Work::LoadTo(size)).await?)];
    store.settle().await?;
    let disk = store.disk().await?;
    for query in Query::ALL {
        runs.push((query.name(), store.run(Work::Find(query, each)).await?));
    }
    runs.push(("update", store.run(Work::Update(each)).await?));
    store.settle().await?;
    runs.push(("create", store.run(Work::Create(each)).await?));
    Ok(Seen { design: store.design, size, runs, disk })
}

fn noisiest(seen: &[Seen]) -> f64 {
    let runs = seen.iter().flat_map(|seen| &seen.runs);
    runs.map(|(_, run)| run.others_busy_cores).fold(0.0, f64::max)
}

/// The first design ("ours") against each of the others ("limit") in every run, and on disk.
fn rows(seen: &[Seen]) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for ours in seen.iter().filter(|seen| seen.design == Design::Inverted) {
        let others = seen.iter().filter(|s| s.size == ours.size && s.design != ours.design);
        for other in others {
            let against =
                format!("{}, {} against {}", ours.size, ours.design.name(), other.design.name());
            for ((name, run), (_, peer)) in ours.runs.iter().zip(&other.runs) {
                let ratio = run.resources_per_s / peer.resources_per_s.max(1e-9);
                let side = |run: &Measured| -> Result<_> {
                    let cell = format!("{:.0}/s", run.resources_per_s);
                    Ok((serde_json::to_value(run).context("figures")?, cell))
                };
                let row = Row::new(format!("{against}: {name}"), ratio, "ratio");
                rows.push(row.sides(side(run)?, side(peer)?));
            }
            let mib = |disk: Disk| format!("{} MiB", disk.index_bytes >> 20);
            let ratio = other.disk.index_bytes as f64 / (ours.disk.index_bytes.max(1) as f64);
            rows.push(
                Row::new(format!("{against}: index on disk"), ratio, "ratio").sides(
                    (json!(ours.disk), mib(ours.disk)),
                    (json!(other.disk), mib(other.disk)),
                ),
            );
        }
    }
    Ok(rows)
}

fn details(seen: &[Seen]) -> Vec<Vec<String>> {
    let head = ["run", "per s", "p50 ms", "p95 ms", "p99 ms", "PostgreSQL µs per statement"];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    for Seen { design, size, runs, disk } in seen {
        for (name, run) in runs {
            lines.push(vec![
                format!("{} at {size}: {name}", design.name()),
                format!("{:.0}", run.resources_per_s),
                format!("{:.2}", run.p50_ms),
                format!("{:.2}", run.p95_ms),
                format!("{:.2}", run.p99_ms),
                format!("{:.1}", run.postgres_cpu_us),
            ]);
        }
        let (head, index) = (disk.head_bytes >> 20, disk.index_bytes >> 20);
        lines
            .push(vec![format!("{} at {size}: {head} MiB rows, {index} MiB index", design.name())]);
    }
    lines
}
