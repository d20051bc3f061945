//! `make run`: everything a new machine needs, then the system in the foreground.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::metadata::Metadata;
use crate::setup;
use crate::shell::{cargo, require};

/// Replaces this process by `carebridge dev`, so that Ctrl-C and signals reach it alone.
pub(crate) fn run(root: &Path, args: &[String]) -> Result<ExitCode, String> {
    setup::setup(root)?;
    println!("Building carebridge: some minutes the first time, seconds from then on …");
    // With `--workspace` the features are those of `cargo test`: one cold build serves both.
    let mut build = cargo(root);
    build.args(["build", "--workspace", "--bin", "carebridge"]);
    require(&mut build, "The build failed: see above.")?;
    let program = Metadata::read(root)?.target_directory().join("debug/carebridge");
    println!("Starting carebridge dev …");
    let error = Command::new(&program).arg("dev").args(args).current_dir(root).exec();
    Err(format!("Could not start {}: {error}.", program.display()))
}
