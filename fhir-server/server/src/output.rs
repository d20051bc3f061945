//! A command's own answer, on standard output; everything else is the log's, on standard error.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;

/// Writes a line, or many, for people.
pub(crate) fn say(text: impl Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Writes a result: as a line of JSON for machines, else in words.
pub(crate) fn report<T: Serialize + Display>(result: &T, json: bool) -> anyhow::Result<()> {
    match json {
        true => say(serde_json::to_string(result)?)?,
        false => say(result)?,
    }
    Ok(())
}

/// The exit code: success is only what went all well.
pub(crate) fn code(good: bool) -> ExitCode {
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Says in one sentence why the command failed.
pub(crate) fn complain(sentence: &str) {
    // Nobody is left to tell where this fails.
    drop(writeln!(io::stderr().lock(), "{sentence}"));
}
