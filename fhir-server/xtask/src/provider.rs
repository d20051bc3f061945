//! Installs the provider of OpenID Connect that the tests sign in at: npm's `oidc-provider`, pinned by hash with all that
//! it needs, for a provider of ours alone would share our mistakes.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::setup;
use crate::shell::{has, output};

/// What npm reads, and this script for the test.
const FILES: [&str; 3] = ["package.json", "package-lock.json", "provider.mjs"];
/// The oldest Node.js that it runs on.
const NODE_MIN: u32 = 20;

/// Puts it at `<root>/.oidc/` unless the same is there already; whether it is there then. Safe when several run at once:
/// each works in a folder of its own and renames into place.
///
/// # Errors
/// A sentence that says what failed.
pub(crate) fn install(root: &Path) -> Result<bool, String> {
    let (from, target) = (root.join("tests/oidc"), root.join(".oidc"));
    let same = |name: &str| {
        let texts = [&from, &target].map(|folder| fs::read(folder.join(name)).ok());
        texts[0].is_some() && texts[0] == texts[1]
    };
    if FILES.iter().all(|name| same(name)) {
        return Ok(true);
    }
    if !has("node") || !has("npm") {
        setup::install(&["nodejs", "npm"])?;
    }
    if node_version().is_none_or(|major| major < NODE_MIN) {
        println!(
            "Node.js is older than {NODE_MIN}: a test against a provider of others is skipped."
        );
        return Ok(false);
    }
    println!("Installing the OpenID Connect provider of the tests …");
    let scratch = root.join(format!(".oidc-{}", std::process::id()));
    let installed = fill(&from, &scratch);
    if installed.is_ok() {
        // Another may have been quicker with the same; what is there and differs is of before.
        fs::remove_dir_all(&target).unwrap_or_default();
        fs::rename(&scratch, &target).unwrap_or_default();
    }
    fs::remove_dir_all(&scratch).unwrap_or_default();
    installed.map(|()| true)
}

fn fill(from: &Path, scratch: &Path) -> Result<(), String> {
    let fault = |e: std::io::Error| format!("Cannot write {}: {e}.", scratch.display());
    fs::create_dir_all(scratch).map_err(fault)?;
    for name in FILES {
        fs::copy(from.join(name), scratch.join(name)).map_err(fault)?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    let output = output(npm.current_dir(scratch)).map_err(|e| format!("Cannot run npm: {e}."))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!(
            "npm could not install `oidc-provider`: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        )),
    }
}

/// The major version of Node.js, where there is one.
fn node_version() -> Option<u32> {
    let output = output(Command::new("node").arg("--version")).ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.trim().trim_start_matches('v').split('.').next()?.parse().ok()
}
