//! `make lint`: every check runs, so that one round shows every fault.

use std::path::Path;
use std::process::ExitCode;

use crate::metadata::Metadata;
use crate::shell::{cargo, succeeds};
use crate::{definitions, licences, order, tidy};

/// Format, clippy, structure, import order, licences.
pub(crate) fn lint(root: &Path) -> Result<ExitCode, String> {
    // The build script of `conformance` reads them.
    definitions::fetch(root)?;
    let metadata = Metadata::read(root)?;
    let formatted = succeeds(cargo(root).args(["fmt", "--all", "--check"]))?;
    let mut clippy = cargo(root);
    clippy.args(["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]);
    let clean = succeeds(&mut clippy)?;
    let faults =
        [tidy::check(root)?, order::check(root, &metadata)?, licences::check(root, &metadata)?]
            .concat();
    faults.iter().for_each(|fault| println!("{fault}"));
    let checks = [("format", formatted), ("clippy", clean), ("structure", faults.is_empty())];
    for (name, good) in checks {
        println!("{name}: {}", if good { "ok" } else { "FAILED" });
    }
    let good = checks.iter().all(|(_, good)| *good);
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
