//! `carebridge load`: files into a FHIR server.

use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use clap::builder::RangedU64ValueParser;
use client::{LoadOptions, Stop, load};

use super::connection::ConnectionFlags;
use crate::output;
use crate::stop::Signals;

/// Requests in flight at most.
const PARALLEL_MAX: u64 = client::limits::PARALLEL_MAX as u64;

/// Load bundles, resources and NDJSON, plain or .gz, files or folders, into a server
///
/// What failed is listed; the same command again sends only what is missing, and nothing once all is
/// loaded. Ctrl-C waits a few seconds for the requests in flight; a second one does not.
///
/// A server such as CareBridge keeps what it answered for 24 hours. The same content sent again in that time, whether the
/// journal knows it or not, is answered by that and not stored again: what was deleted meanwhile stays deleted. The report
/// says how many these were; --again sends all under new keys.
///
/// Exit code: 0 all is loaded, 1 something is not, 2 wrong usage, 130 stopped by Ctrl-C. With --json,
/// standard output is one JSON object: files, loaded, resumed, replayed,
/// failed, errors, journal and more.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  carebridge load synthea/ extra.ndjson.gz\n  carebridge load synthea/ --again\n  zcat big.ndjson.gz | carebridge load - --url https://fhir.example.org/fhir"
)]
pub(crate) struct Load {
    /// Files and folders; `-` is standard input
    #[arg(required = true, value_name = "PATH")]
    inputs: Vec<PathBuf>,
    #[command(flatten)]
    connection: ConnectionFlags,
    /// Requests in flight
    #[arg(long, value_name = "N", default_value_t = client::limits::PARALLEL_DEFAULT)]
    #[arg(value_parser = RangedU64ValueParser::<usize>::new().range(1..=PARALLEL_MAX))]
    parallel: usize,
    /// What was loaded already is noted here; by default under .carebridge/, one for each server
    /// and inputs
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Load what was loaded before, too, also what was deleted since; resources without an id are then there twice
    #[arg(long)]
    again: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(command: Load) -> Result<ExitCode> {
    let mut signals = Signals::listen().context("Signals cannot be received")?;
    let Load { inputs, connection, parallel, journal, again, json } = command;
    let (connection, stop) = (connection.connection()?, Stop::default());
    let mut loading = pin!(load(LoadOptions {
        connection,
        inputs,
        parallel,
        journal,
        again,
        progress: true,
        stop: stop.clone(),
    }));
    let mut stopped = None;
    let report = loop {
        tokio::select! {
            report = &mut loading => break report?,
            caught = signals.next() => {
                if stopped.replace(caught).is_none() {
                    output::complain("Stopping once the requests in flight are answered; again stops at once.");
                }
                stop.ask();
            }
        }
    };
    output::report(&report, json)?;
    Ok(match stopped {
        Some(caught) if report.stopped => caught.exit_code(),
        _ => output::code(report.ok()),
    })
}
