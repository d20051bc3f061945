//! `carebridge seal`: the keys that listed elements are stored under.

use std::fmt;
use std::process::ExitCode;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use serde::Serialize;
use store::{DataKey, DataKeys};

use crate::output;
use crate::settings::{DomainFlags, Settings};
use crate::start::changed;

/// Look at the keys that sealed elements are stored under, and change them
///
/// Data keys seal elements; a key-encryption key, kept elsewhere, wraps data keys. Either is changed while servers run,
/// and no resource is written anew for it.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  carebridge seal list\n  carebridge seal rotate            # a new data key, which seals six minutes later\n  carebridge seal rewrap            # after `key_file` or `[seal.kms]` names another key\n\nBeside `carebridge dev` (`make run`), set CAREBRIDGE_DATABASE_URL to what that prints as Database."
)]
pub(crate) struct Seal {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the data keys, and what each is wrapped under
    List(Common),
    /// Make a new data key: what is written later is sealed with it, what is stored still opens with the one before
    Rotate(Common),
    /// Wrap all data keys under the key-encryption key that the settings name now
    Rewrap(Common),
}

#[derive(Args, Debug)]
struct Common {
    #[command(flatten)]
    server: DomainFlags,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

/// A data key as it is shown.
#[derive(Serialize)]
struct Shown {
    number: i32,
    kek: String,
    made_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retired_at: Option<DateTime<Utc>>,
    seals: bool,
}

#[derive(Serialize)]
struct Report {
    keys: Vec<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rewrapped: Option<usize>,
}

impl From<DataKey> for Shown {
    fn from(key: DataKey) -> Self {
        let DataKey { number, kek, made_at, retired_at, seals, .. } = key;
        Self { number, kek, made_at, retired_at, seals }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Vec::new();
        lines.extend(self.rewrapped.map(|count| format!("Wrapped anew: {count}.")));
        if self.keys.is_empty() {
            lines.push("There are no data keys: a server makes the first when it starts with a sealing key.".to_owned());
        }
        lines.extend(self.keys.iter().map(|key| {
            let state = match (key.seals, key.retired_at) {
                (true, None) => "seals",
                (true, Some(_)) => "seals until all servers have the next",
                (false, None) => "will seal when all servers have it",
                (false, Some(_)) => "opens what it sealed",
            };
            let Shown { number, kek, made_at, .. } = key;
            format!("{number:>4}  {}  {kek:<28} {state}", made_at.format("%Y-%m-%d %H:%M"))
        }));
        f.write_str(&lines.join("\n"))
    }
}

pub(crate) async fn run(command: Seal) -> Result<ExitCode> {
    match command.command {
        Command::List(Common { server, json }) => {
            let settings = server.settings()?;
            report(&data_keys(&settings)?, None, json).await?;
        }
        Command::Rotate(Common { server, json }) => {
            let settings = server.settings()?;
            let kept = data_keys(&settings)?;
            // A database that no server has started on yet gets its first key first.
            kept.open().await?;
            let now = settings.clock.now();
            kept.rotate(|number| changed(now, format!("data key {number}: made"))).await?;
            report(&kept, None, json).await?;
        }
        Command::Rewrap(Common { server, json }) => {
            let settings = server.settings()?;
            let kept = data_keys(&settings)?;
            let now = settings.clock.now();
            let row = |count| changed(now, format!("data keys: {count} wrapped anew"));
            let count = kept.rewrap(row).await?;
            report(&kept, Some(count), json).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn data_keys(settings: &Settings) -> Result<DataKeys> {
    let kept = settings.seal.data_keys(settings.database.url()?.reveal(), &settings.clock)?;
    kept.context(
        "No sealing key is set: set CAREBRIDGE_SEAL_KEY, or `key_file` or `[seal.kms]` under `[seal]`.",
    )
}

async fn report(kept: &DataKeys, rewrapped: Option<usize>, json: bool) -> Result<()> {
    let keys = kept.list().await?.into_iter().map(Shown::from).collect();
    kept.close().await;
    output::report(&Report { keys, rewrapped }, json)
}
