//! An error as one sentence for whoever started the command.

use std::fmt;
use std::process::ExitCode;

use canonical_model::{Error, Kind};

/// A command line that says what cannot be: exit code 2, as for one that cannot be read.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// The exit code of an error.
pub(crate) fn exit_code(error: &anyhow::Error) -> ExitCode {
    if error.is::<Usage>() { ExitCode::from(2) } else { ExitCode::FAILURE }
}

/// The sentence: what is wrong and what to change, with the cause behind it where there is one.
pub(crate) fn sentence(error: &anyhow::Error) -> String {
    let Some(fault) = error.chain().find_map(|cause| cause.downcast_ref::<Error>()) else {
        return client::sentence(error);
    };
    let cause = fault.cause.as_deref().map(innermost);
    let said: Vec<&str> = fault.issues.iter().map(|issue| issue.diagnostics.as_str()).collect();
    match (fault.kind, cause) {
        // The sentence is for clients of the API; the cause is what an operator can act on.
        (Kind::Internal, Some(cause)) if fault.issues.iter().all(is_neutral) => cause,
        (_, Some(cause)) => format!("{} ({cause})", said.join(" ")),
        (_, None) => said.join(" "),
    }
}

fn is_neutral(issue: &canonical_model::Issue) -> bool {
    issue.diagnostics.contains("X-Request-Id")
}

fn innermost(error: &(dyn std::error::Error + Send + Sync + 'static)) -> String {
    let mut error: &(dyn std::error::Error + 'static) = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_to_do_and_why() {
        let away = Error::new(Kind::Unavailable, "The database is not reachable.");
        let refused = std::io::Error::other("connection refused");
        let cases = [
            (anyhow::anyhow!("No such file.").context("Reading x."), "Reading x: No such file."),
            (anyhow::anyhow!("full").context("Is full."), "Is full."),
            (away.into(), "The database is not reachable."),
            (
                Error::new(Kind::Unavailable, "It is away.").caused_by(refused).into(),
                "It is away. (connection refused)",
            ),
            (Error::internal("migration 3 failed").into(), "migration 3 failed"),
        ];
        for (error, expected) in cases {
            assert_eq!(sentence(&error), expected);
        }
    }
}
