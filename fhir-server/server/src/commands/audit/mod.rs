//! `carebridge audit`: what an operator does with the record of accesses.

mod hold;
mod verify;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

/// Prove the record of accesses, and keep what must stay
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  carebridge audit verify --heads audit-heads.jsonl")]
pub(crate) struct Audit {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Verify(verify::Verify),
    Hold(hold::Lay),
    Release(hold::Release),
    List(hold::List),
}

pub(crate) async fn run(command: Audit) -> Result<ExitCode> {
    match command.command {
        Command::Verify(command) => verify::run(command).await,
        Command::Hold(command) => hold::lay(command).await,
        Command::Release(command) => hold::release(command).await,
        Command::List(command) => hold::list(command).await,
    }
}
