//! Options that the suites share.

use crate::{
    limits::{POOL_MAX, TIMED_MAX},
    load::{Endpoint, Workload},
    ours::Credentials,
};
use anyhow::{Context as _, Result, ensure};
use std::{path::PathBuf, time::Duration};

/// How to measure, and what.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// A smoke run: a second each, once, little data, and no judgement
    #[arg(long)]
    pub(crate) quick: bool,
    /// Measure the limit against itself: how far two equal programs differ on this machine
    #[arg(long, conflicts_with_all = ["url", "binary"])]
    pub(crate) noise: bool,
    /// Seconds of each timed run
    #[arg(long)]
    seconds: Option<f64>,
    /// Times that each timed run is repeated, ours and the limit in turn; the best counts
    #[arg(long)]
    repeats: Option<u32>,
    /// Connections of each program to its database
    #[arg(long, default_value_t = 8)]
    pub(crate) pool: u32,
    /// Makes the same data again, which needs a new database; with `--url` it is drawn
    #[arg(long)]
    seed: Option<u64>,
    /// Only these workloads
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Workload>,
    /// Superuser's address of a PostgreSQL on this machine, in place of a private one
    #[arg(long)]
    pub(crate) database_url: Option<String>,
    /// FHIR base of a running server on this machine, in place of one that is built and started
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// Bearer token for `--url`
    #[arg(long, requires = "url", conflicts_with = "client")]
    pub(crate) token: Option<String>,
    /// Client of `--url` as ID:SECRET, which gets its tokens at /auth/token
    #[arg(long, requires = "url")]
    client: Option<String>,
    /// Process of `--url`, for its CPU and memory
    #[arg(long, requires = "url", default_value_t = 0)]
    pub(crate) server_pid: u32,
    /// Postmaster of `--url`, for its CPU
    #[arg(long, requires = "url", default_value_t = 0)]
    pub(crate) postmaster_pid: u32,
    /// The `carebridge` to start, in place of one built now
    #[arg(long, conflicts_with = "url")]
    pub(crate) binary: Option<PathBuf>,
    /// Folder of the report and of the run's files
    #[arg(long, default_value = "target/bench")]
    pub(crate) out: PathBuf,
}

impl Options {
    /// Refuses what is out of bounds.
    pub(crate) fn check(&self) -> Result<()> {
        let seconds = self.seconds.unwrap_or(1.0);
        ensure!(
            seconds >= 0.05 && seconds <= TIMED_MAX.as_secs_f64(),
            "--seconds: 0.05 to {}",
            TIMED_MAX.as_secs()
        );
        ensure!((1..=20).contains(&self.repeats()), "--repeats: 1 to 20");
        ensure!((1..=POOL_MAX).contains(&self.pool), "--pool: 1 to {POOL_MAX}");
        self.url.as_deref().map(Endpoint::parse).transpose()?;
        self.credentials().map(|_| ())
    }

    pub(crate) fn run_time(&self) -> Duration {
        Duration::from_secs_f64(self.seconds.unwrap_or(if self.quick { 1.0 } else { 5.0 }))
    }

    /// Time for connections, caches and plans, before a run counts.
    pub(crate) fn warm_up(&self) -> Duration {
        (self.run_time() / 5).min(Duration::from_secs(1))
    }

    /// A running server may hold what an earlier run made, so its seed must be a new one.
    pub(crate) fn seed(&self) -> u64 {
        let drawn = || if self.url.is_some() { fastrand::u64(..) } else { 1 };
        self.seed.unwrap_or_else(drawn)
    }

    pub(crate) fn repeats(&self) -> u32 {
        self.repeats.unwrap_or(if self.quick { 1 } else { 2 })
    }

    pub(crate) fn workloads(&self) -> Vec<Workload> {
        let all = Workload::ALL.into_iter();
        all.filter(|work| self.only.is_empty() || self.only.contains(work)).collect()
    }

    /// Whether floors are judged: never in a smoke run, and two equal programs prove nothing.
    pub(crate) fn judged(&self) -> bool {
        !self.quick && !self.noise
    }

    pub(crate) fn credentials(&self) -> Result<Option<Credentials>> {
        let Some(client) = &self.client else { return Ok(None) };
        let (id, secret) = client.split_once(':').context("--client: ID:SECRET")?;
        Ok(Some(Credentials { id: id.into(), secret: secret.into() }))
    }
}
