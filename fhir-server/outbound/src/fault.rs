//! Why a URL out of data gave nothing. No fault holds the URL: it may have a secret in it.

use std::io;

use canonical_model::{Error, Kind};

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The URL cannot be used; the text says what of it.
    #[error("the URL cannot be used: {0}")]
    Url(&'static str),
    /// It is not https, and its host is not allowed that.
    #[error("the URL must begin with https://")]
    Clear,
    /// Its host has an address that nothing out of data may lead to.
    #[error("the URL leads to an address that is not public")]
    Address,
    /// Its host has no address.
    #[error("the URL's host has no address")]
    Resolve(#[source] Option<io::Error>),
    /// No connection came about.
    #[error("the URL's host took no connection")]
    Connect(#[source] io::Error),
    /// Its host did not show that it is the one.
    #[error("the URL's host has no certificate that is trusted here")]
    Tls(#[source] io::Error),
    /// What came was no HTTP, or ended early.
    #[error("the URL's host did not answer as HTTP has it")]
    Http(#[source] hyper::Error),
    /// It took longer than [`crate::limits::CALL_MAX`].
    #[error("the URL's host did not answer in time")]
    Timeout,
    /// The answer is over [`crate::limits::ANSWER_BYTES_MAX`].
    #[error("the URL's answer is too large")]
    TooLarge,
    /// The answer is compressed, which was not asked for: what it grows to is not known.
    #[error("the URL's answer is compressed, which was not asked for")]
    Encoded,
    /// The answer leads to another URL, which is not followed.
    #[error("the URL leads on to another one, which is not followed (status {0})")]
    Redirect(u16),
    /// The credential cannot be used, or is for another host.
    #[error("the credential is not for the URL's host")]
    Credential,
    /// This machine trusts nobody: it has no certificates of authorities.
    #[error("no certificates of authorities are installed on this machine")]
    NoRoots,
}

impl Fault {
    /// A bounded label for logs and metrics.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Url(_) => "url",
            Self::Clear => "clear",
            Self::Address => "address",
            Self::Resolve(_) => "resolve",
            Self::Connect(_) => "connect",
            Self::Tls(_) => "tls",
            Self::Http(_) => "http",
            Self::Timeout => "timeout",
            Self::TooLarge => "too-large",
            Self::Encoded => "encoded",
            Self::Redirect(_) => "redirect",
            Self::Credential => "credential",
            Self::NoRoots => "no-roots",
        }
    }
}

/// As whoever sent the URL is told it. What was found behind a URL is not told apart: else anybody who may
/// send one could ask this server which machines and ports there are beside it.
impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match &fault {
            Fault::Url(_) | Fault::Clear => Self::invalid(fault.to_string()),
            Fault::Credential | Fault::NoRoots => Self::internal(fault),
            Fault::Address
            | Fault::Resolve(_)
            | Fault::Connect(_)
            | Fault::Tls(_)
            | Fault::Http(_)
            | Fault::Timeout
            | Fault::TooLarge
            | Fault::Encoded
            | Fault::Redirect(_) => {
                let text = "The URL gave no answer that can be used here. It must lead to a public host, by \
                            https, and answer within 5 s, itself, with 1 MB at most.";
                Self::new(Kind::Unprocessable, text).caused_by(fault)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_sent_the_url_cannot_tell_what_is_behind_it() {
        let said = |fault: Fault| {
            let error = Error::from(fault);
            (error.kind, error.issues.first().map(|issue| issue.diagnostics.clone()))
        };
        let refused = said(Fault::Address);
        for fault in [
            Fault::Resolve(None),
            Fault::Connect(io::Error::from(io::ErrorKind::ConnectionRefused)),
            Fault::Tls(io::Error::other("self-signed")),
            Fault::Timeout,
            Fault::TooLarge,
            Fault::Encoded,
            Fault::Redirect(302),
        ] {
            assert_eq!(said(fault), refused);
        }
    }
}
