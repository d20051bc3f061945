//! What cargo knows of the workspace: crates, their imports, licences and sources.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::shell::{cargo, output};

/// The answer of `cargo metadata`.
pub(crate) struct Metadata(Value);

/// One package, ours or not.
pub(crate) struct Package<'a>(&'a Value);

impl Metadata {
    /// Asks cargo, with all dependencies resolved.
    pub(crate) fn read(root: &Path) -> Result<Self, String> {
        let mut command = cargo(root);
        command.args(["metadata", "--format-version", "1"]);
        let output = output(&mut command).map_err(|e| format!("Could not start cargo: {e}."))?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let value = serde_json::from_slice(&output.stdout);
        value.map(Self).map_err(|e| format!("`cargo metadata` gave no JSON: {e}."))
    }

    /// Where cargo builds.
    pub(crate) fn target_directory(&self) -> PathBuf {
        PathBuf::from(text(&self.0, "target_directory"))
    }

    /// Every package of the build, on every platform.
    pub(crate) fn packages(&self) -> impl Iterator<Item = Package<'_>> {
        self.0.get("packages").and_then(Value::as_array).into_iter().flatten().map(Package)
    }
}

impl<'a> Package<'a> {
    pub(crate) fn name(&self) -> &'a str {
        text(self.0, "name")
    }

    pub(crate) fn version(&self) -> &'a str {
        text(self.0, "version")
    }

    /// SPDX expression, empty when undeclared.
    pub(crate) fn license(&self) -> &'a str {
        text(self.0, "license")
    }

    /// Registry or repository; none for a crate of the workspace.
    pub(crate) fn source(&self) -> Option<&'a str> {
        self.0.get("source").and_then(Value::as_str)
    }

    /// Names of the workspace's crates that it imports outside its tests.
    pub(crate) fn imports(&self) -> impl Iterator<Item = &'a str> {
        let all = self.0.get("dependencies").and_then(Value::as_array).into_iter().flatten();
        let ours = all.filter(|dependency| dependency.get("path").is_some_and(Value::is_string));
        ours.filter(|dependency| text(dependency, "kind") != "dev").map(|it| text(it, "name"))
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}
