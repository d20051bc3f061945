//! The fault tests at full length: the same tests as in `make test`, with more rounds.

use std::path::Path;
use std::process::ExitCode;

use crate::test;

/// Tests read this and take their long form on `full`.
const LENGTH: (&str, &str) = ("CAREBRIDGE_CHAOS", "full");

/// The end-to-end tests that break something.
const FAULTS: [&str; 6] = ["--package", "it", "--", "chaos", "drain::", "disk_full::"];

/// Runs the fault tests with every round of faults.
pub(crate) fn chaos(root: &Path) -> Result<ExitCode, String> {
    test::run(root, &FAULTS.map(str::to_owned), &[LENGTH])
}
