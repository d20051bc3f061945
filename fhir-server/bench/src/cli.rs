//! The command line.

use crate::{
    limit,
    suite::{Options, auth, designs, scale, search, store, validate},
};
use anyhow::{Result, bail};
use clap::{Parser, Subcommand};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// Measures CareBridge and the bare limit beside it on this machine.
///
/// Without a suite it runs `store` and `store-scale`.
///
/// Example: bench store --quick
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Arguments {
    #[command(subcommand)]
    suite: Option<Suite>,
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
    /// What rights and the record cost, tokens at a fixed rate, searches under a constraint
    Auth(Options),
    /// What codes cost: expansions by words, codes that are judged
    Validate(Options),
    /// Named searches against SQL written by hand, at two sizes; what indexing costs (long)
    Search(search::Options),
    /// Two index designs: writes, disk and five searches, at two sizes (long)
    IndexDesigns(designs::Options),
    /// The bare program itself; the suites start it
    Limit(limit::Options),
    /// The bare program that searches; `search` starts it
    SearchLimit(limit::search::Options),
}

/// Runs the suite that the command line names. Fails when a floor was missed.
pub fn main() -> ExitCode {
    let suites = match Arguments::parse().suite {
        Some(suite) => vec![suite],
        None => DEFAULT.iter().filter_map(|name| named(name)).collect(),
    };
    // The bench goes on after a missed floor, and stops at an error.
    let passed =
        suites.into_iter().try_fold(true, |passed, suite| anyhow::Ok(run(suite)? && passed));
    match passed {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(2),
        Err(error) => {
            use std::io::Write as _;
            let told = writeln!(std::io::stderr(), "bench: {error:#}");
            if told.is_err() { ExitCode::from(3) } else { ExitCode::FAILURE }
        }
    }
}

/// What runs when no suite is named.
const DEFAULT: [&str; 2] = ["store", "store-scale"];

fn named(suite: &str) -> Option<Suite> {
    Arguments::try_parse_from(["bench", suite]).ok()?.suite
}

fn run(suite: Suite) -> Result<bool> {
    // The load generator takes one core and its timing from one thread; the bare program takes all.
    let is_limit = matches!(suite, Suite::Limit(_) | Suite::SearchLimit(_));
    let mut runtime = match suite {
        Suite::Limit(_) | Suite::SearchLimit(_) => tokio::runtime::Builder::new_multi_thread(),
        Suite::Store(_)
        | Suite::StoreScale { .. }
        | Suite::Auth(_)
        | Suite::Validate(_)
        | Suite::Search(_)
        | Suite::IndexDesigns(_) => tokio::runtime::Builder::new_current_thread(),
    };
    let measured = async {
        match suite {
            Suite::Store(options) => store::measure(&options).await,
            Suite::StoreScale { options, scale } => scale::measure(&options, &scale).await,
            Suite::Auth(options) => auth::measure(&options).await,
            Suite::Validate(options) => validate::measure(&options).await,
            Suite::IndexDesigns(options) => designs::measure(&options).await,
            Suite::Search(options) => search::measure(&options).await,
            Suite::Limit(options) => limit::serve(options).await.map(|()| true),
            Suite::SearchLimit(options) => limit::search::serve(options).await.map(|()| true),
        }
    };
    runtime.enable_all().build()?.block_on(async {
        tokio::select! {
            passed = measured => passed,
            // Dropping the suite stops all that it started.
            signal = interrupted(), if !is_limit => signal.and_then(|()| bail!("interrupted")),
        }
    })
}

/// Waits for SIGINT or SIGTERM.
async fn interrupted() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => Ok(pressed?),
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_suites_exist() {
        assert!(DEFAULT.iter().all(|name| named(name).is_some()));
    }
}
