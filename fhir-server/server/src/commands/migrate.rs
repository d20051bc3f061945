//! `carebridge migrate`: brings a database up to this binary's schema.

use std::fmt;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use crate::output;
use crate::settings::{ConfigFlag, DatabaseFlag};

/// Bring a database up to this version's schema
///
/// Safe to repeat, and to run while servers of the version before are at work.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  CAREBRIDGE_DATABASE_URL=postgres://owner:secret@db/tenant carebridge migrate"
)]
pub(crate) struct Migrate {
    #[command(flatten)]
    config: ConfigFlag,
    #[command(flatten)]
    database: DatabaseFlag,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    changed: bool,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.changed {
            true => "The database has been brought up to this version's schema.",
            false => "The database has this version's schema already.",
        })
    }
}

pub(crate) async fn run(command: Migrate) -> Result<ExitCode> {
    let mut settings = command.config.settings()?;
    command.database.apply(&mut settings);
    let url = settings.database.url()?.reveal();
    let changed = !store::schema_is_current(url).await.unwrap_or(false);
    // Repeated where nothing is missing, for the partitions of the next months.
    store::migrate(url).await?;
    output::report(&Report { changed }, command.json)?;
    Ok(ExitCode::SUCCESS)
}
