//! One run: workers on one thread ask until the time or the count is over.

use super::{
    client::Client,
    endpoint::Endpoint,
    measured::Measured,
    pace::Schedule,
    workload::{Lane, Seeded, Worker, Workload},
};
use crate::{
    data::Data,
    limits::{CLIENTS_MAX, RUN_MAX},
    machine,
};
use anyhow::{Context as _, Result, ensure};
use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::task::{JoinSet, LocalSet};

/// When the next request is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mode {
    /// When the last one was answered, for so long.
    Closed(Duration),
    /// At a fixed rate per second, for so long.
    Open(f64, Duration),
    /// When the last one was answered, so often, and what is made is remembered.
    Seed(u64),
    /// When the last one was answered, so often.
    Count(u64),
}

/// What a run does.
pub(crate) struct Spec<'a> {
    pub(crate) workload: Workload,
    pub(crate) mode: Mode,
    pub(crate) clients: usize,
    /// Answered and checked, but not counted.
    pub(crate) warm_up: Duration,
    /// Distinguishes the run's record numbers from all others on the same server.
    pub(crate) tag: &'a str,
}

/// The processes whose CPU is counted; zero means not watched.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Watched {
    pub(crate) server: u32,
    pub(crate) postmaster: u32,
}

/// Runs `spec` against `endpoint`. The first wrong answer ends it with an error.
pub(crate) async fn run(
    endpoint: &Endpoint,
    watched: Watched,
    spec: &Spec<'_>,
    data: &mut Data,
    seeded: &Rc<Seeded>,
) -> Result<Measured> {
    ensure!((1..=CLIENTS_MAX).contains(&spec.clients), "1 to {CLIENTS_MAX} clients");
    let (length, count, seeding) = match spec.mode {
        Mode::Closed(length) | Mode::Open(_, length) => (length, u64::MAX, false),
        Mode::Count(count) => (RUN_MAX, count, false),
        Mode::Seed(count) => (RUN_MAX, count, true),
    };
    let from = Instant::now() + spec.warm_up;
    let until = from + length.min(RUN_MAX);
    let schedule = match spec.mode {
        Mode::Open(rate_per_s, _) => Some(Schedule::start(rate_per_s, until)),
        Mode::Closed(_) | Mode::Count(_) | Mode::Seed(_) => None,
    };
    let tally = Rc::new(RefCell::new(Tally { samples: Vec::new(), from, until, left: count }));
    let mut workers = JoinSet::new();
    let local = LocalSet::new();
    for worker in 0..spec.clients {
        let lane = Lane { worker, workers: spec.clients };
        let mut asks = Worker::new(spec.workload, spec.tag, lane, data.fork(), Rc::clone(seeded));
        if seeding {
            asks = asks.seeding();
        }
        let client = Client::new(endpoint.clone());
        workers.spawn_local_on(work(client, asks, schedule.clone(), Rc::clone(&tally)), &local);
    }
    let window = async {
        tokio::time::sleep_until(from.into()).await;
        let start = Snapshot::take(watched);
        let outcome = finish(&mut workers, until).await;
        let usage = start.until_now(watched);
        outcome?;
        while let Some(worker) = workers.join_next().await {
            worker.context("a worker stopped")??;
        }
        anyhow::Ok(usage)
    };
    let usage = local.run_until(window).await?;
    let unsent = schedule.map_or(0, |schedule| schedule.unsent());
    let mut tally = tally.borrow_mut();
    ensure!(!tally.samples.is_empty(), "{}: no answer in time", spec.workload.name());
    Ok(usage.measured(spec, &mut tally.samples, unsent, watched))
}

/// Waits for the end of the window or of all workers, whichever is first.
async fn finish(workers: &mut JoinSet<Result<()>>, until: Instant) -> Result<()> {
    let all = async {
        while let Some(worker) = workers.join_next().await {
            worker.context("a worker stopped")??;
        }
        Ok(())
    };
    tokio::time::timeout_at(until.into(), all).await.unwrap_or(Ok(()))
}

/// The samples of all workers, and what is left to do.
struct Tally {
    samples: Vec<Duration>,
    from: Instant,
    until: Instant,
    left: u64,
}

impl Tally {
    /// Whether there is another request to make.
    fn take(&mut self) -> bool {
        if self.left == 0 || Instant::now() >= self.until {
            return false;
        }
        self.left -= 1;
        true
    }

    /// Counts an answer that came within the window.
    fn add(&mut self, begun: Instant) {
        let now = Instant::now();
        if self.from <= now && now < self.until {
            self.samples.push(now - begun);
        }
    }
}

async fn work(
    mut client: Client,
    mut worker: Worker,
    schedule: Option<Schedule>,
    tally: Rc<RefCell<Tally>>,
) -> Result<()> {
    loop {
        let due = match &schedule {
            Some(schedule) => schedule.next().await,
            None => None,
        };
        let ended = schedule.is_some() && due.is_none();
        if ended || !tally.borrow_mut().take() {
            return Ok(());
        }
        let call = worker.call()?;
        let begun = due.unwrap_or_else(Instant::now);
        let answer = client.send(call).await?;
        tally.borrow_mut().add(begun);
        worker.accept(&answer)?;
    }
}

/// Clocks at the start of the window.
struct Snapshot {
    at: Instant,
    server: Duration,
    postgres: Duration,
    loader: Duration,
    all: Duration,
}

impl Snapshot {
    fn take(watched: Watched) -> Self {
        Self {
            at: Instant::now(),
            server: machine::process_cpu(watched.server),
            postgres: machine::family_cpu(watched.postmaster),
            loader: machine::process_cpu(std::process::id()),
            all: machine::busy(),
        }
    }

    fn until_now(&self, watched: Watched) -> Usage {
        let now = Self::take(watched);
        let seconds =
            |later: Duration, earlier: Duration| later.saturating_sub(earlier).as_secs_f64();
        Usage {
            wall_s: (now.at - self.at).as_secs_f64(),
            server_s: seconds(now.server, self.server),
            postgres_s: seconds(now.postgres, self.postgres),
            loader_s: seconds(now.loader, self.loader),
            all_s: seconds(now.all, self.all),
        }
    }
}

/// Seconds that passed, and that cores were busy, in the window.
struct Usage {
    wall_s: f64,
    server_s: f64,
    postgres_s: f64,
    loader_s: f64,
    all_s: f64,
}

impl Usage {
    fn measured(
        &self,
        spec: &Spec<'_>,
        samples: &mut [Duration],
        unsent: u64,
        watched: Watched,
    ) -> Measured {
        let requests = samples.len() as u64;
        let each_us = |seconds: f64| (seconds * 1e7 / requests as f64).round() / 10.0;
        let known_s = self.server_s + self.postgres_s + self.loader_s;
        let (rss, peak) = machine::memory_kib(watched.server);
        let mib = |kib: u64| (kib as f64 / 102.4).round() / 10.0;
        let per_s = requests as f64 / self.wall_s;
        let mut measured = Measured {
            clients: spec.clients,
            offered_per_s: match spec.mode {
                Mode::Open(rate_per_s, _) => Some(rate_per_s.round()),
                Mode::Closed(_) | Mode::Count(_) | Mode::Seed(_) => None,
            },
            seconds: (self.wall_s * 100.0).round() / 100.0,
            requests,
            requests_per_s: (per_s * 10.0).round() / 10.0,
            resources_per_s: (per_s * spec.workload.resources() as f64).round(),
            server_cpu_us: each_us(self.server_s),
            postgres_cpu_us: each_us(self.postgres_s),
            loader_cpu_us: each_us(self.loader_s),
            server_rss_mib: mib(rss),
            server_peak_rss_mib: mib(peak),
            others_busy_cores: ((self.all_s - known_s).max(0.0) / self.wall_s * 100.0).round()
                / 100.0,
            unsent,
            ..Measured::default()
        };
        measured.set_latencies(samples);
        measured
    }
}
