//! `carebridge admin`: what an operator does to a running system.

use std::fmt;
use std::pin::pin;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::{Args, Subcommand};
use domain::Domain;
use domain::interactions::reindex::index_more;
use domain::interactions::search;
use indicatif::ProgressBar;
use serde::Serialize;
use store::{Indexing, Unindexed};
use tokio::time::{Instant, interval_at, sleep};

use crate::commands::progress::bar;
use crate::limits::{INDEX_SAY_EVERY, INDEX_WATCH_EVERY, UNINDEXED_NAMED_MAX};
use crate::output;
use crate::settings::DomainFlags;
use crate::start::attach;
use crate::stop::{Caught, Signals};

/// Do what an operator does to a running system
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  carebridge admin reindex")]
pub(crate) struct Admin {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Reindex(Reindex),
    Explain(Explain),
}

/// Show how a search is answered: what drives it, its SQL and what the database says of it
///
/// The search is run, over everything and without a record of access: the first page is found but not shown.
/// What is printed holds the values that were searched for.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  carebridge admin explain 'Observation?patient=Patient/1&code=8480-6'\n\nBeside `carebridge dev` (`make run`), set CAREBRIDGE_DATABASE_URL to what that prints as Database."
)]
struct Explain {
    #[command(flatten)]
    server: DomainFlags,
    /// A type and what is asked of it; also as the path or the whole URL of a search
    search: String,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Explanation {
    /// The search as it was understood, in the words of the specification.
    expression: String,
    /// What finds the candidates.
    driver: String,
    sql: String,
    /// The database's account, a line each.
    account: Vec<String>,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Expression\n{}\n", self.expression)?;
        writeln!(f, "Driver\n{}\n", self.driver)?;
        writeln!(f, "SQL\n{}\n", self.sql)?;
        write!(f, "PostgreSQL\n{}", self.account.join("\n"))
    }
}

/// Index every resource anew
///
/// Servers go on meanwhile, and say in the answer to each search how far the index is. Stopped or killed, it
/// goes on where it was: by the next `admin reindex`, or by a server itself.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  CAREBRIDGE_DATABASE_URL=postgres://owner:secret@db/tenant carebridge admin reindex\n\nEnds with 0 once every resource is indexed, with 1 where some cannot be, and with 130 where Ctrl-C stops it.\nBeside `carebridge dev` (`make run`), set CAREBRIDGE_DATABASE_URL to what that prints as Database."
)]
struct Reindex {
    #[command(flatten)]
    server: DomainFlags,
    /// Only go on with what an earlier run, or a server, has begun
    #[arg(long)]
    resume: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    /// Batches that this command indexed itself; servers may have done others.
    batches: u64,
    seconds: f64,
    /// Resources that could not be indexed: they keep the index they had, and searches say so.
    unindexed: i64,
    /// The first of them, as `Type/id`.
    first_unindexed: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.batches {
            _ if self.unindexed > 0 => write!(
                f,
                "All but {} resources are indexed. These keep the index they had, as they have too many \
                 values or cannot be read, and searches say so: {}{}",
                self.unindexed,
                self.first_unindexed.join(", "),
                if self.first_unindexed.len() < usize::try_from(self.unindexed).unwrap_or_default()
                {
                    " and others."
                } else {
                    "."
                }
            ),
            0 => f.write_str("Every resource is indexed; there was nothing to do."),
            _ => write!(f, "Every resource is indexed, in {:.1} s.", self.seconds),
        }
    }
}

pub(crate) async fn run(command: Admin) -> Result<ExitCode> {
    match command.command {
        Command::Reindex(command) => reindex(command).await,
        Command::Explain(command) => explain(command).await,
    }
}

async fn explain(command: Explain) -> Result<ExitCode> {
    let domain = attach(&command.server.settings()?, false).await?;
    let (expression, explained) = search::explain(&domain, &command.search).await?;
    let explanation = Explanation {
        expression,
        driver: explained.drivers.join("\n"),
        sql: explained.sql,
        account: explained.account,
    };
    output::report(&explanation, command.json)?;
    Ok(ExitCode::SUCCESS)
}

async fn reindex(command: Reindex) -> Result<ExitCode> {
    let settings = command.server.settings()?;
    let domain = attach(&settings, true).await?;
    let begun = Instant::now();
    let state = domain.store().index_state().await?;
    let state =
        state.context("The schema is older than this program. Run `carebridge migrate` first.")?;
    ensure!(
        state.goal == domain.catalogue().form().goal,
        "The index has the form of a newer release. Use that release's program."
    );
    let under_way = domain.store().indexing().await?.is_some();
    if !command.resume && !under_way {
        domain.store().forget_index().await?;
    }
    let batches = match index_all(&domain, command.json).await? {
        Ended::Done(batches) => batches,
        Ended::Stopped(caught) => return Ok(caught.exit_code()),
    };
    let Unindexed { count, first } = domain.store().unindexed(UNINDEXED_NAMED_MAX).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let report = Report { batches, seconds, unindexed: count, first_unindexed: first };
    output::report(&report, command.json)?;
    Ok(if count == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How the indexing ended.
enum Ended {
    /// After so many batches of its own.
    Done(u64),
    Stopped(Caught),
}

/// Indexes until nothing is left, or a signal comes. Where no terminal shows the bar, lines say how far it is.
async fn index_all(domain: &Domain, json: bool) -> Result<Ended> {
    let mut signals = Signals::listen().context("Signals cannot be received")?;
    let bar = bar(json)?;
    let lines = !json && bar.is_hidden();
    let mut ticks = interval_at(Instant::now() + INDEX_SAY_EVERY, INDEX_SAY_EVERY);
    let mut working = pin!(work(domain, &bar));
    loop {
        tokio::select! {
            batches = &mut working => {
                bar.finish_and_clear();
                return Ok(Ended::Done(batches?));
            }
            caught = signals.next() => {
                bar.finish_and_clear();
                let reached = domain.store().indexing().await?.map_or(100, Indexing::percent);
                output::complain(&format!(
                    "Stopped at {reached} %: `carebridge admin reindex --resume` goes on from there, as a \
                     server with the role worker does by itself."
                ));
                return Ok(Ended::Stopped(caught));
            }
            _ = ticks.tick(), if lines => {
                if let Some(indexing) = domain.store().indexing().await? {
                    output::complain(&format!("{} % of the resources are indexed.", indexing.percent()));
                }
            }
        }
    }
}

/// The batches that were done here.
async fn work(domain: &Domain, bar: &ProgressBar) -> Result<u64> {
    let mut batches = 0;
    while let Some(indexing) = domain.store().indexing().await? {
        show(bar, indexing);
        match index_more(domain).await? {
            Some(_) => batches += 1,
            // A server has the turn.
            None => sleep(INDEX_WATCH_EVERY).await,
        }
    }
    Ok(batches)
}

fn show(bar: &ProgressBar, indexing: Indexing) {
    bar.set_length(u64::try_from(indexing.last).unwrap_or_default().max(1));
    bar.set_position(u64::try_from(indexing.reached).unwrap_or_default());
}
