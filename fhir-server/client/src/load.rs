//! `carebridge load`: bundles, single resources, NDJSON, gzip, folders, standard input.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use futures::StreamExt;
use futures::stream::poll_fn;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::connection::Connection;
use crate::http::Server;
use crate::input::discover::{Found, Source, discover};
use crate::input::units;
use crate::journal::{Journal, Key};
use crate::limits::{PARALLEL_DEFAULT, PARALLEL_MAX};
use crate::progress::Progress;
use crate::report::{LoadReport, Tally};
use crate::send::Run;
use crate::stop::Stop;

/// What to load, and where to.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// The server.
    pub connection: Connection,
    /// Files and folders; `-` is standard input.
    pub inputs: Vec<PathBuf>,
    /// Requests in flight.
    pub parallel: usize,
    /// Where the journal lies; by default under `.carebridge/`, by server and inputs.
    pub journal: Option<PathBuf>,
    /// Load what was loaded before, too, as if for the first time.
    pub again: bool,
    /// A progress bar, where a terminal is there.
    pub progress: bool,
    /// Stops it before its end.
    pub stop: Stop,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            connection: Connection::default(),
            inputs: Vec::new(),
            parallel: PARALLEL_DEFAULT,
            journal: None,
            again: false,
            progress: true,
            stop: Stop::default(),
        }
    }
}

/// Loads everything but files that the journal says are loaded. What went wrong with single files or
/// resources is in the report; a later call with the same options sends only what is missing.
///
/// # Errors
/// The inputs, the URL or the journal are unusable, or nobody answers: nothing was sent.
pub async fn load(options: LoadOptions) -> Result<LoadReport> {
    let server = Server::new(&options.connection)?;
    let inputs = options.inputs.clone();
    let Found { turns, skipped } = spawn_blocking(move || discover(&inputs)).await??;
    let url = server.url("");
    let mut report = LoadReport { files_skipped: skipped, ..LoadReport::default() };
    // Who answers decides what is loaded there already: another database may have the same address.
    let instance = tokio::select! {
        instance = server.probe() => instance?,
        () = options.stop.asked() => {
            report.stopped = true;
            return Ok(report);
        }
    };
    let target = format!("{url} {}", instance.unwrap_or_default());
    let usual = || Journal::default_path(&target, &options.inputs);
    let path = options.journal.clone().unwrap_or_else(usual);
    let mut journal = Journal::open(&path, target.trim_end())?;
    let files = states(&turns);
    let turns = if options.again { turns } else { left(turns, &journal) };
    let count = turns.iter().map(Vec::len).sum::<usize>() as u64;
    report.files_before = files.len() as u64 - count;
    if turns.is_empty() {
        report.journal = journal.kept();
        return Ok(report);
    }
    if options.again {
        journal.begin_again()?;
    }
    let progress = Progress::new(options.progress, length(&turns), Some(server.trouble()));
    let stop = options.stop;
    let run = Arc::new(Run { server, journal, tally: Tally::new(report), progress, stop });
    for sources in turns {
        turn(&run, sources, options.parallel.clamp(1, PARALLEL_MAX)).await?;
        if run.over() {
            break;
        }
    }
    run.progress.finish();
    finish(&run, files)
}

/// All sources with the states they are in; standard input has none.
fn states(turns: &[Vec<Source>]) -> Vec<(Option<Key>, String)> {
    turns.iter().flatten().map(|source| (source.state, source.name())).collect()
}

/// What the journal does not know as loaded.
fn left(turns: Vec<Vec<Source>>, journal: &Journal) -> Vec<Vec<Source>> {
    let missing = |source: &Source| source.state.is_none_or(|state| !journal.done(state));
    let turns = turns.into_iter();
    let left = turns.map(|sources| sources.into_iter().filter(missing).collect::<Vec<_>>());
    left.filter(|sources| !sources.is_empty()).collect()
}

/// Bytes in all, if that can be known.
fn length(turns: &[Vec<Source>]) -> Option<u64> {
    turns.iter().flatten().map(|source| source.path.is_some().then_some(source.bytes)).sum()
}

/// Loads files that may be loaded side by side, and returns when all of them are.
async fn turn(run: &Arc<Run>, sources: Vec<Source>, parallel: usize) -> Result<()> {
    let (sender, mut units) = mpsc::channel(parallel);
    let reading = Arc::clone(run);
    let reader = spawn_blocking(move || units::read(&sources, &reading.tally, &sender));
    let mut work = poll_fn(|context| units.poll_recv(context))
        .take_until(Box::pin(run.stop.asked()))
        .take_while(|_| std::future::ready(!run.over()))
        .map(|unit| tokio::spawn(Arc::clone(run).perform(unit)))
        .buffer_unordered(parallel);
    while let Some(done) = work.next().await {
        done?;
    }
    drop(work);
    // Where the run is over, the reader must not wait for takers that never come.
    units.close();
    while units.recv().await.is_some() {}
    tokio::select! {
        read = reader => read?,
        // It may be waiting for more from a pipe.
        () = run.stop.asked() => {}
    }
    Ok(())
}

fn finish(run: &Run, files: Vec<(Option<Key>, String)>) -> Result<LoadReport> {
    let mut report = std::mem::take(&mut *run.tally.lock());
    report.stopped = run.stop.is_asked();
    report.retried = run.server.retried();
    report.seconds = run.progress.seconds();
    report.resources_per_second = report.loaded as f64 / report.seconds.max(0.001);
    if report.ok() {
        let known = files.into_iter().filter_map(|(state, name)| Some((state?, name)));
        run.journal.finish(&known.collect::<Vec<_>>())?;
    }
    report.journal = run.journal.kept();
    Ok(report)
}
