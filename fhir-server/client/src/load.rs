//! `carebridge load`: bundles, single resources, NDJSON, gzip, folders, standard input.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use futures::StreamExt;
use futures::stream::poll_fn;
use tokio::sync::mpsc;

use crate::http::{Connection, Server};
use crate::input::discover::{Source, discover};
use crate::input::units;
use crate::journal::Journal;
use crate::limits::{PARALLEL_DEFAULT, PARALLEL_MAX};
use crate::progress::Progress;
use crate::report::{LoadReport, Tally};
use crate::send::Run;

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
    /// A progress bar, where a terminal is there.
    pub progress: bool,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            connection: Connection::default(),
            inputs: Vec::new(),
            parallel: PARALLEL_DEFAULT,
            journal: None,
            progress: true,
        }
    }
}

/// Loads everything. What went wrong with single files or resources is in the report; a later call
/// with the same options sends only what is missing.
///
/// # Errors
/// The inputs, the URL or the journal are unusable: nothing was sent.
pub async fn load(options: LoadOptions) -> Result<LoadReport> {
    let server = Server::new(&options.connection)?;
    let inputs = options.inputs.clone();
    let turns = tokio::task::spawn_blocking(move || discover(&inputs)).await??;
    let url = server.url("");
    let path = options
        .journal
        .clone()
        .unwrap_or_else(|| Journal::default_path(url.as_str(), &options.inputs));
    let journal = Journal::open(&path, url.as_str())?;
    let bytes = turns.iter().flatten().map(|source| source.bytes).sum();
    let known = turns.iter().flatten().all(|source| source.path.is_some());
    let progress = Progress::new(options.progress, known.then_some(bytes));
    let run = Arc::new(Run { server, journal, tally: Tally::default(), progress });
    for sources in turns {
        turn(&run, sources, options.parallel.clamp(1, PARALLEL_MAX)).await?;
        if run.tally.aborted() {
            break;
        }
    }
    run.progress.finish();
    finish(run)
}

/// Loads files that may be loaded side by side, and returns when all of them are.
async fn turn(run: &Arc<Run>, sources: Vec<Source>, parallel: usize) -> Result<()> {
    let (sender, mut units) = mpsc::channel(parallel);
    let reading = Arc::clone(run);
    let reader =
        tokio::task::spawn_blocking(move || units::read(&sources, &reading.tally, &sender));
    let mut work = poll_fn(|context| units.poll_recv(context))
        .take_while(|_| std::future::ready(!run.tally.aborted()))
        .map(|unit| tokio::spawn(Arc::clone(run).perform(unit)))
        .buffer_unordered(parallel);
    while let Some(done) = work.next().await {
        done?;
    }
    drop(work);
    // Where the run was aborted, the reader must not wait for takers that never come.
    units.close();
    while units.recv().await.is_some() {}
    reader.await?;
    Ok(())
}

fn finish(run: Arc<Run>) -> Result<LoadReport> {
    let mut report = std::mem::take(&mut *run.tally.lock());
    report.retried = run.server.retried();
    report.seconds = run.progress.seconds();
    report.resources_per_second = report.loaded as f64 / report.seconds.max(0.001);
    if report.ok() {
        if let Ok(run) = Arc::try_unwrap(run) {
            run.journal.remove()?;
        }
    } else {
        report.journal = Some(run.journal.path().to_owned());
    }
    Ok(report)
}
