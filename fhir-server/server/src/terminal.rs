//! What is typed at a terminal and not shown there.

use std::io::{self, BufRead, Write};

use anyhow::{Context, Result};
use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};

/// Asks on standard error, reads a line of standard input, and shows nothing of it.
pub(crate) fn ask_hidden(question: &str) -> Result<String> {
    let stdin = io::stdin();
    let mut error = io::stderr().lock();
    write!(error, "{question}")?;
    error.flush()?;
    let before = tcgetattr(&stdin).context("The terminal cannot be asked.")?;
    let mut hidden = before.clone();
    hidden.local_flags.remove(LocalFlags::ECHO);
    tcsetattr(&stdin, SetArg::TCSAFLUSH, &hidden).context("The terminal cannot be told.")?;
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    // Whatever was read: a terminal that shows nothing more is of no use.
    tcsetattr(&stdin, SetArg::TCSANOW, &before).context("The terminal cannot be told.")?;
    writeln!(error)?;
    read.context("Standard input cannot be read.")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
