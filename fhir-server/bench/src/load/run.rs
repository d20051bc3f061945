//! One run: workers on one thread ask until the time or the count is over.

use super::{
    client::{Answer, Call, Client},
    endpoint::Endpoint,
    measured::Measured,
    pace::Schedule,
    window::{Watched, Window},
    workload::{Lane, Seeded, Worker, Workload},
};
use crate::{
    data::Data,
    limits::{CLIENTS_MAX, RUN_MAX},
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

/// One client's side of a run.
pub(crate) trait Asks {
    /// The next request.
    fn call(&mut self) -> Result<Call>;

    /// Checks the answer to the last call. Anything unexpected fails the run.
    fn accept(&mut self, answer: &Answer) -> Result<()>;
}

/// Nothing was answered within a run.
#[derive(Debug)]
pub(crate) struct NoAnswer;

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no answer in time")
    }
}

impl std::error::Error for NoAnswer {}

/// How the requests of a run follow each other.
pub(crate) struct Loop<'a> {
    /// Of the run, for errors.
    pub(crate) name: &'a str,
    pub(crate) mode: Mode,
    pub(crate) clients: usize,
    /// Answered and checked, but not counted.
    pub(crate) warm_up: Duration,
    /// Resources that one request reads or writes.
    pub(crate) resources: u64,
}

/// Runs `spec` against `endpoint`. The first wrong answer ends it with an error.
pub(crate) async fn run(
    endpoint: &Endpoint,
    watched: Watched,
    spec: &Spec<'_>,
    data: &mut Data,
    seeded: &Rc<Seeded>,
) -> Result<Measured> {
    let &Spec { workload, mode, clients, warm_up, tag } = spec;
    let seeding = matches!(mode, Mode::Seed(_));
    let (name, resources) = (workload.name(), workload.resources());
    let turns = Loop { name, mode, clients, warm_up, resources };
    run_loop(endpoint, watched, &turns, |lane| {
        let worker = Worker::new(workload, tag, lane, data.fork(), Rc::clone(seeded));
        if seeding { worker.seeding() } else { worker }
    })
    .await
}

/// Runs what `make` makes for each client. The first wrong answer ends it with an error.
pub(crate) async fn run_loop<A: Asks + 'static>(
    endpoint: &Endpoint,
    watched: Watched,
    turns: &Loop<'_>,
    mut make: impl FnMut(Lane) -> A,
) -> Result<Measured> {
    ensure!((1..=CLIENTS_MAX).contains(&turns.clients), "1 to {CLIENTS_MAX} clients");
    let (length, count) = match turns.mode {
        Mode::Closed(length) | Mode::Open(_, length) => (length, u64::MAX),
        Mode::Count(count) | Mode::Seed(count) => (RUN_MAX, count),
    };
    let from = Instant::now() + turns.warm_up;
    let until = from + length.min(RUN_MAX);
    let schedule = match turns.mode {
        Mode::Open(rate_per_s, _) => Some(Schedule::start(rate_per_s, until)),
        Mode::Closed(_) | Mode::Count(_) | Mode::Seed(_) => None,
    };
    let tally = Rc::new(RefCell::new(Tally { samples: Vec::new(), from, until, left: count }));
    let mut workers = JoinSet::new();
    let local = LocalSet::new();
    for worker in 0..turns.clients {
        let asks = make(Lane { worker, workers: turns.clients });
        let client = Client::new(endpoint.clone());
        workers.spawn_local_on(work(client, asks, schedule.clone(), Rc::clone(&tally)), &local);
    }
    let counted = async {
        tokio::time::sleep_until(from.into()).await;
        let window = Window::open(watched);
        let outcome = finish(&mut workers, until).await;
        let usage = window.close();
        outcome?;
        while let Some(worker) = workers.join_next().await {
            worker.context("a worker stopped")??;
        }
        anyhow::Ok(usage)
    };
    let usage = local.run_until(counted).await?;
    let samples = std::mem::take(&mut tally.borrow_mut().samples);
    if samples.is_empty() {
        return Err(anyhow::Error::new(NoAnswer).context(turns.name.to_owned()));
    }
    let complete = count == u64::MAX || samples.len() as u64 == count;
    ensure!(complete, "only {} of {count} requests were answered in time", samples.len());
    let mut measured = usage.measured(samples, turns.clients, turns.resources);
    if let Mode::Open(rate_per_s, _) = turns.mode {
        measured.offered_per_s = Some(rate_per_s.round());
    }
    measured.unsent = schedule.map_or(0, |schedule| schedule.unsent());
    Ok(measured)
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
    mut worker: impl Asks,
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
