//! Installs what tests take from npm, pinned by hash with all that it needs: `oidc-provider`, for a provider of ours
//! alone would share our mistakes; `fhirclient` and `axe-core`, which the browser tests load.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::setup;
use crate::shell::{has, output};

/// Packages that are installed together.
pub(crate) struct Packages {
    /// What they are, for whoever waits.
    pub(crate) name: &'static str,
    /// The folder that says which.
    from: &'static str,
    /// The folder that they come to.
    target: &'static str,
    /// What npm reads there, and what stands beside it for the tests.
    files: &'static [&'static str],
    /// The oldest Node.js that they do with.
    node_min: u32,
}

/// All of them.
pub(crate) const PACKAGES: [Packages; 2] = [
    Packages {
        name: "OpenID Connect provider",
        from: "tests/oidc",
        target: ".oidc",
        files: &["package.json", "package-lock.json", "provider.mjs"],
        node_min: 20,
    },
    Packages {
        name: "SMART client and accessibility checker",
        from: "tests/browser",
        target: ".browser",
        files: &["package.json", "package-lock.json", ".npmrc"],
        // They run in the browser.
        node_min: 0,
    },
];

impl Packages {
    /// Puts them below `root` unless the same are there already; whether they are there then. Safe when several run at
    /// once: each works in a folder of its own and renames into place.
    ///
    /// # Errors
    /// A sentence that says what failed.
    pub(crate) fn install(&self, root: &Path) -> Result<bool, String> {
        let (from, target) = (root.join(self.from), root.join(self.target));
        let same = |name: &&str| {
            let texts = [&from, &target].map(|folder| fs::read(folder.join(name)).ok());
            texts[0].is_some() && texts[0] == texts[1]
        };
        if self.files.iter().all(same) {
            return Ok(true);
        }
        if !has("node") || !has("npm") {
            setup::install(&["nodejs", "npm"])?;
        }
        if node_version().is_none_or(|major| major < self.node_min) {
            println!("Node.js is older than {}: no {}.", self.node_min, self.name);
            return Ok(false);
        }
        println!("Installing the {} of the tests …", self.name);
        let scratch = root.join(format!("{}-{}", self.target, std::process::id()));
        let installed = self.fill(&from, &scratch);
        if installed.is_ok() {
            // Another may have been quicker with the same; what is there and differs is of before.
            fs::remove_dir_all(&target).unwrap_or_default();
            fs::rename(&scratch, &target).unwrap_or_default();
        }
        fs::remove_dir_all(&scratch).unwrap_or_default();
        installed.map(|()| true)
    }

    fn fill(&self, from: &Path, scratch: &Path) -> Result<(), String> {
        let fault = |e: std::io::Error| format!("Cannot write {}: {e}.", scratch.display());
        fs::create_dir_all(scratch).map_err(fault)?;
        for name in self.files {
            fs::copy(from.join(name), scratch.join(name)).map_err(fault)?;
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
        let output =
            output(npm.current_dir(scratch)).map_err(|e| format!("Cannot run npm: {e}."))?;
        match output.status.success() {
            true => Ok(()),
            false => Err(format!(
                "npm could not install the {}: {}",
                self.name,
                String::from_utf8_lossy(&output.stderr).trim()
            )),
        }
    }
}

/// The major version of Node.js, where there is one.
fn node_version() -> Option<u32> {
    let output = output(Command::new("node").arg("--version")).ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.trim().trim_start_matches('v').split('.').next()?.parse().ok()
}
