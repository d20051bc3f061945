//! The command line.

use crate::{
    limit,
    suite::{Options, scale, store},
};
use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Measures CareBridge and the bare limit beside it on this machine.
///
/// Example: bench store --quick
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Arguments {
    #[command(subcommand)]
    suite: Suite,
}

#[derive(Debug, Subcommand)]
enum Suite {
    /// Reads, writes and transactions against the limit, tails, memory, disk and start
    Store(Options),
    /// The cost of a create in a large store, its memory and its disk (long)
    StoreScale {
        #[command(flatten)]
        options: Options,
        #[command(flatten)]
        scale: scale::Scale,
    },
    /// The bare program itself; the suites start it
    Limit(limit::Options),
}

/// Runs the suite that the command line names. Fails when a floor was missed.
pub fn main() -> ExitCode {
    match run(Arguments::parse().suite) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(2),
        Err(error) => {
            use std::io::Write as _;
            let told = writeln!(std::io::stderr(), "bench: {error:#}");
            if told.is_err() { ExitCode::from(3) } else { ExitCode::FAILURE }
        }
    }
}

fn run(suite: Suite) -> Result<bool> {
    // The load generator takes one core and its timing from one thread; the bare program takes all.
    let mut runtime = match suite {
        Suite::Limit(_) => tokio::runtime::Builder::new_multi_thread(),
        Suite::Store(_) | Suite::StoreScale { .. } => tokio::runtime::Builder::new_current_thread(),
    };
    runtime.enable_all().build()?.block_on(async {
        match suite {
            Suite::Store(options) => store::measure(&options).await,
            Suite::StoreScale { options, scale } => scale::measure(&options, &scale).await,
            Suite::Limit(options) => limit::serve(options).await.map(|()| true),
        }
    })
}
