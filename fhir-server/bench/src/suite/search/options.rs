//! Options of `bench search`.

use crate::{
    limits::{POOL_MAX, RESOURCES_MAX, TIMED_MAX},
    load::Mode,
};
use anyhow::{Result, ensure};
use std::{path::PathBuf, time::Duration};

/// How to measure, and what.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// A smoke run: a little data, short runs, and no judgement
    #[arg(long)]
    pub(crate) quick: bool,
    /// Resources at each measurement, growing
    #[arg(long, value_delimiter = ',')]
    sizes: Vec<u64>,
    /// Seconds of each timed run
    #[arg(long)]
    seconds: Option<f64>,
    /// Only searches whose name contains this
    #[arg(long)]
    only: Option<String>,
    /// Seed of the population
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Connections of each program to the database
    #[arg(long, default_value_t = 8)]
    pub(crate) pool: u32,
    /// Superuser's address of a PostgreSQL on this machine, in place of a private one
    #[arg(long)]
    pub(crate) database_url: Option<String>,
    /// Measure what an earlier run left in `--database-url`; nothing is loaded
    #[arg(long, requires = "database_url")]
    pub(crate) reuse: bool,
    /// Leave out what indexing costs
    #[arg(long)]
    pub(crate) no_ingest: bool,
    /// The `carebridge` to start, in place of one built now
    #[arg(long)]
    pub(crate) binary: Option<PathBuf>,
    /// Print the report as JSON instead of tables
    #[arg(long)]
    pub(crate) json: bool,
    /// Folder of the report and of the run's files
    #[arg(long, default_value = "target/bench")]
    pub(crate) out: PathBuf,
}

/// Requests of a loop in a smoke run: more than clients.
const SMOKE_REQUESTS: u64 = 40;

/// Resources at each measurement.
const SIZES: [u64; 2] = [100_000, 1_000_000];
const SIZES_QUICK: [u64; 2] = [2_000, 4_000];

impl Options {
    /// Refuses what is out of bounds.
    pub(crate) fn check(&self) -> Result<()> {
        let sizes = self.sizes();
        let growing = sizes.windows(2).all(|pair| pair.first() < pair.last());
        let bounds = sizes.iter().all(|size| (1000..=RESOURCES_MAX).contains(size));
        ensure!(growing && bounds, "--sizes: 1000 to {RESOURCES_MAX}, growing");
        let seconds = self.run_time().as_secs_f64();
        ensure!((0.02..=TIMED_MAX.as_secs_f64()).contains(&seconds), "--seconds: 0.02 to 240");
        ensure!((1..=POOL_MAX).contains(&self.pool), "--pool: 1 to {POOL_MAX}");
        Ok(())
    }

    pub(crate) fn sizes(&self) -> Vec<u64> {
        match (&self.sizes, self.quick) {
            (sizes, _) if !sizes.is_empty() => sizes.clone(),
            (_, true) => SIZES_QUICK.to_vec(),
            (_, false) => SIZES.to_vec(),
        }
    }

    pub(crate) fn run_time(&self) -> Duration {
        Duration::from_secs_f64(self.seconds.unwrap_or(if self.quick { 1.0 } else { 0.6 }))
    }

    /// A closed loop: of a smoke run so many requests, however long they take.
    pub(crate) fn closed(&self) -> Mode {
        match self.seconds {
            None if self.quick => Mode::Count(SMOKE_REQUESTS),
            _ => Mode::Closed(self.run_time()),
        }
    }

    /// Time for connections, caches and plans, before a timed run counts.
    pub(crate) fn warm_up(&self, mode: Mode) -> Duration {
        match mode {
            Mode::Closed(length) | Mode::Open(_, length) => length / 4,
            Mode::Seed(_) | Mode::Count(_) => Duration::ZERO,
        }
    }

    pub(crate) fn takes(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| name.contains(only))
    }

    /// Whether floors are judged: never in a smoke run.
    pub(crate) fn judged(&self) -> bool {
        !self.quick
    }
}
