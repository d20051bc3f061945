//! `carebridge audit`: what an operator does with the record of accesses.

mod verify;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

/// Prove the record of accesses
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  carebridge audit verify --heads audit-heads.jsonl")]
pub(crate) struct Audit {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Verify(verify::Verify),
}

pub(crate) async fn run(command: Audit) -> Result<ExitCode> {
    match command.command {
        Command::Verify(command) => verify::run(command).await,
    }
}
