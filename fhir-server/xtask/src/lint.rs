//! `make lint`: every check runs, so that one round shows every fault.

use std::path::Path;
use std::process::ExitCode;

use crate::metadata::Metadata;
use crate::shell::{cargo, succeeds};
use crate::{definitions, docs, licences, order, tidy};

/// Format, clippy, structure, import order, licences.
pub(crate) fn lint(root: &Path) -> Result<ExitCode, String> {
    // The build script of `conformance` reads them.
    definitions::fetch(root)?;
    let metadata = Metadata::read(root)?;
    let formatted = succeeds(cargo(root).args(["fmt", "--all", "--check"]))?;
    let mut clippy = cargo(root);
    clippy.args(["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]);
    let clean = succeeds(&mut clippy)?;
    let checks =
        [("format", formatted), ("clippy", clean), ("structure", structure(root, &metadata)?)];
    for (name, good) in checks {
        println!("{name}: {}", if good { "ok" } else { "FAILED" });
    }
    Ok(code(checks.iter().all(|(_, good)| *good)))
}

/// The part of [`lint`] that builds nothing: a second's work while writing.
pub(crate) fn tidy(root: &Path) -> Result<ExitCode, String> {
    structure(root, &Metadata::read(root)?).map(code)
}

/// Prints each fault of structure, import order, licences and written pages; true when there is none.
fn structure(root: &Path, metadata: &Metadata) -> Result<bool, String> {
    let faults = [
        tidy::check(root)?,
        order::check(root, metadata)?,
        licences::check(root, metadata)?,
        docs::check(root)?,
    ]
    .concat();
    faults.iter().for_each(|fault| println!("{fault}"));
    Ok(faults.is_empty())
}

fn code(good: bool) -> ExitCode {
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
