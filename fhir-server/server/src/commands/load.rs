//! `carebridge load`: files into a FHIR server.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use client::{LoadOptions, load};

use super::connection::ConnectionFlags;
use crate::output;

/// Load bundles, resources and NDJSON, plain or .gz, files or folders, into a server
///
/// What failed is listed; the same command again sends only what is missing.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  carebridge load synthea/ extra.ndjson.gz\n  zcat big.ndjson.gz | carebridge load - --url https://fhir.example.org/fhir"
)]
pub(crate) struct Load {
    /// Files and folders; `-` is standard input
    #[arg(required = true, value_name = "PATH")]
    inputs: Vec<PathBuf>,
    #[command(flatten)]
    connection: ConnectionFlags,
    /// Requests in flight
    #[arg(long, value_name = "N", default_value_t = client::limits::PARALLEL_DEFAULT)]
    parallel: usize,
    /// What was loaded already is noted here, to resume; by default under .carebridge/
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(command: Load) -> Result<bool> {
    let Load { inputs, connection, parallel, journal, json } = command;
    let connection = connection.connection();
    let report =
        load(LoadOptions { connection, inputs, parallel, journal, progress: true }).await?;
    output::report(&report, json)?;
    Ok(report.ok())
}
