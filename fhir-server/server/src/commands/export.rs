//! `carebridge export`: a FHIR server's resources into NDJSON, a file per type.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use client::{ExportOptions, export};

use super::connection::ConnectionFlags;
use crate::output;
use crate::stop::Signals;

/// Export a server's resources as NDJSON, a file per type
///
/// A file appears once it is whole. Exit code: 0 all is exported, 1 something is not, 2 wrong usage,
/// 130 stopped by Ctrl-C. With --json, standard output is one JSON object: resources and errors by
/// type, total, seconds.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  carebridge export out/ --type Patient --type Observation --gzip"
)]
pub(crate) struct Export {
    /// The folder of the files
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    #[command(flatten)]
    connection: ConnectionFlags,
    /// A type to export; by default all that the server offers
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Write into a folder that is not empty, and replace files of the same types
    #[arg(long)]
    force: bool,
    /// Write .ndjson.gz
    #[arg(long)]
    gzip: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(command: Export) -> Result<ExitCode> {
    let mut signals = Signals::listen().context("Signals cannot be received")?;
    let Export { folder, connection, types, force, gzip, json } = command;
    let connection = connection.connection()?;
    let options = ExportOptions { connection, folder, force, types, gzip, progress: true };
    let report = tokio::select! {
        report = export(options) => report?,
        caught = signals.next() => {
            output::complain("Stopped: files of types that were not whole are not there.");
            return Ok(caught.exit_code());
        }
    };
    output::report(&report, json)?;
    Ok(output::code(report.ok()))
}
