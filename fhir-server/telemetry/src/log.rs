//! Where log lines go: standard error, so that standard output stays for a command's own answer.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::util::TryInitError;
use tracing_subscriber::{fmt, prelude::*};

/// The shape of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Format {
    /// One JSON object a line, for machines.
    Json,
    /// For a person at a terminal.
    #[default]
    Text,
}

/// Why logging could not start.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The filter is not one.
    #[error("log filter: {0}; an example is `info,store=debug`")]
    Filter(#[from] ParseError),
    /// Some other part of the process has started logging before.
    #[error("logging has been started already: {0}")]
    Twice(#[from] TryInitError),
}

/// Starts logging for the process. `filter` is as `info,store=debug`.
///
/// # Errors
/// On a filter that cannot be read, and on the second call.
pub fn init(format: Format, filter: &str) -> Result<(), InitError> {
    let filter = EnvFilter::try_new(filter)?;
    let lines = fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    let lines = match format {
        Format::Json => lines.json().flatten_event(true).boxed(),
        Format::Text => lines.compact().boxed(),
    };
    Ok(tracing_subscriber::registry().with(lines).with(filter).try_init()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_filter_is_named_and_a_second_start_refused() {
        let refused = init(Format::Json, "store=loud").unwrap_err();
        assert!(matches!(refused, InitError::Filter(_)), "{refused}");
        init(Format::Json, "error").unwrap();
        assert!(matches!(init(Format::Text, "error"), Err(InitError::Twice(_))));
    }
}
