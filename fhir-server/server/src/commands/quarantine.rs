//! `carebridge quarantine`: what was kept aside for its faults.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use client::Quarantine as Kept;

use super::connection::ConnectionFlags;
use crate::output;

/// See what was kept aside for its faults, and release or cancel it
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  carebridge quarantine list\n  carebridge quarantine show ID\n  carebridge quarantine release ID\n  carebridge quarantine cancel ID --reason 'sent anew, mended'\n\nWhat is kept aside, and whose, `[validation]` in the settings says. With --json, standard output is one JSON object."
)]
pub(crate) struct Quarantine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(List),
    /// Show one with what was asked for: it has patients' data
    Show(One),
    /// Have it done, with its faults, as you
    Release(One),
    Cancel(Cancel),
}

/// List what waits, the newest first, with what is wrong
#[derive(Args, Debug)]
struct List {
    #[command(flatten)]
    connection: ConnectionFlags,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// One of them
#[derive(Args, Debug)]
struct One {
    /// The id of its Task
    id: String,
    #[command(flatten)]
    connection: ConnectionFlags,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// Do nothing of it: it stays to be read, as cancelled
#[derive(Args, Debug)]
struct Cancel {
    #[command(flatten)]
    one: One,
    /// Why, for whoever reads it; no patient's data
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

pub(crate) async fn run(command: Quarantine) -> Result<ExitCode> {
    match command.command {
        Command::List(List { connection, json }) => {
            output::report(&Kept::of(&connection.connection()?).await?.list().await?, json)?;
        }
        Command::Show(One { id, connection, json }) => {
            output::report(&Kept::of(&connection.connection()?).await?.show(&id).await?, json)?;
        }
        Command::Release(One { id, connection, json }) => {
            output::report(&Kept::of(&connection.connection()?).await?.release(&id).await?, json)?;
        }
        Command::Cancel(Cancel { one: One { id, connection, json }, reason }) => {
            let kept = Kept::of(&connection.connection()?).await?;
            output::report(&kept.cancel(&id, &reason).await?, json)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
