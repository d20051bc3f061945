//! `make bench`: the suites of the `bench` crate, built for release.

use std::path::Path;
use std::process::ExitCode;

use crate::setup;
use crate::shell::{cargo, succeeds};

/// Runs one suite, or all.
pub(crate) fn bench(root: &Path, args: &[String]) -> Result<ExitCode, String> {
    setup::setup(root)?;
    let mut run = cargo(root);
    run.args(["run", "--release", "--package", "bench", "--"]).args(args);
    Ok(if succeeds(&mut run)? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
