//! Runs other programs, with their output on ours.

use std::path::Path;
use std::process::Command;

/// Cargo as we were started by, in the checkout.
pub(crate) fn cargo(root: &Path) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root);
    // What `cargo run` told us about this crate is not true of the next one.
    command.env_remove("CARGO_MANIFEST_DIR");
    command
}

/// Runs to the end; true when it succeeded.
pub(crate) fn succeeds(command: &mut Command) -> Result<bool, String> {
    let status = command.status().map_err(|e| {
        format!("Could not start `{}`: {e}.", command.get_program().to_string_lossy())
    })?;
    Ok(status.success())
}

/// Runs to the end and fails with `sentence` unless it succeeded.
pub(crate) fn require(command: &mut Command, sentence: &str) -> Result<(), String> {
    succeeds(command)?.then_some(()).ok_or_else(|| sentence.to_owned())
}

/// Whether a program is in `PATH`.
pub(crate) fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
}
