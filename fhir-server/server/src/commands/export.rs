//! `carebridge export`: a FHIR server's resources into NDJSON, a file per type.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use client::{ExportOptions, export};

use super::connection::ConnectionFlags;
use crate::output;

/// Export a server's resources as NDJSON, a file per type
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
    /// Write .ndjson.gz
    #[arg(long)]
    gzip: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(command: Export) -> Result<bool> {
    let Export { folder, connection, types, gzip, json } = command;
    let connection = connection.connection();
    let options = ExportOptions { connection, folder, types, gzip, progress: true };
    let report = export(options).await?;
    output::report(&report, json)?;
    Ok(report.ok())
}
