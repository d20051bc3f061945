//! The fault tests at full length: the same tests as in `make test`, with more rounds.

use std::path::Path;
use std::process::ExitCode;

use crate::test;

/// Tests read this and take their long form on `full`.
const LENGTH: (&str, &str) = ("CAREBRIDGE_CHAOS", "full");

/// Runs the end-to-end tests with every round of faults.
pub(crate) fn chaos(root: &Path) -> Result<ExitCode, String> {
    let package = ["--package", "it"].map(str::to_owned);
    test::run(root, &package, &[LENGTH])
}
