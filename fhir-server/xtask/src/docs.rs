//! `cargo xtask docs`: pages that are written from tables beside the code, and whether they are stale.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::shell::{cargo, output};

const PAGE: &str = "docs/search.md";
/// What the page is made of: these files, and those of these folders.
const SOURCES: [&str; 2] = ["fhir-server/search/src/guide", "fhir-server/search/src/limits.rs"];

/// Writes the pages.
pub(crate) fn docs(root: &Path) -> Result<ExitCode, String> {
    let mut run: Command = cargo(root);
    run.args(["run", "--quiet", "--package", "search", "--example", "guide"]);
    let printed = output(&mut run).map_err(|e| format!("Could not run the guide: {e}."))?;
    if !printed.status.success() {
        return Err("The guide could not be built.".to_owned());
    }
    let text =
        String::from_utf8(printed.stdout).map_err(|e| format!("The guide is no text: {e}."))?;
    let page = root.join(PAGE);
    std::fs::write(&page, format!("{text}\n{}\n", mark(root)?))
        .map_err(|e| format!("Could not write {}: {e}.", page.display()))?;
    println!("Wrote {PAGE}.");
    Ok(ExitCode::SUCCESS)
}

/// One sentence for each page that is older than what it is made of. Builds nothing.
pub(crate) fn check(root: &Path) -> Result<Vec<String>, String> {
    let page = std::fs::read_to_string(root.join(PAGE)).unwrap_or_default();
    let fresh = page.trim_end().ends_with(&mark(root)?);
    let fault = || format!("{PAGE}: is older than what it is made of: run `cargo xtask docs`.");
    Ok(if fresh { Vec::new() } else { vec![fault()] })
}

/// The last line of a page: names what it is made of, so that a change of that is seen.
fn mark(root: &Path) -> Result<String, String> {
    let mut digest = 0xcbf2_9ce4_8422_2325_u64;
    for file in sources(root)? {
        let bytes =
            std::fs::read(&file).map_err(|e| format!("Could not read {}: {e}.", file.display()))?;
        digest = fold(digest, &bytes);
    }
    Ok(format!("<!-- Written by `cargo xtask docs` from {digest:016x}. -->"))
}

fn sources(root: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for source in SOURCES {
        let path = root.join(source);
        if path.is_dir() {
            let fault = |e: std::io::Error| format!("Could not read {}: {e}.", path.display());
            for entry in std::fs::read_dir(&path).map_err(fault)? {
                files.push(entry.map_err(fault)?.path());
            }
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// FNV-1a: enough to see a change.
fn fold(digest: u64, bytes: &[u8]) -> u64 {
    let step = |digest: u64, byte: &u8| (digest ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(digest, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_seen() {
        let start = 7;
        assert_eq!(fold(start, b"a"), fold(start, b"a"));
        assert_ne!(fold(start, b"a"), fold(start, b"b"));
        assert_ne!(fold(fold(start, b"a"), b"b"), fold(fold(start, b"b"), b"a"));
    }
}
