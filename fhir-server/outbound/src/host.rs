//! The host of a URL: a name, or an address in the one notation that everybody reads alike.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::fault::Fault;
use crate::limits::{HOST_BYTES_MAX, LABEL_BYTES_MAX};

/// A host, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Host {
    Name(Box<str>),
    Address(IpAddr),
}

impl Host {
    /// Reads a host as it stands in a URL. Names are of letters, digits and hyphens: others are written as
    /// `xn--…` by whoever knows their script.
    ///
    /// # Errors
    /// It is none, or an address in a notation that some read and others read otherwise (`0177.0.0.1`,
    /// `2130706433`, `0x7f.1`, `[::1%lo]`).
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or(Fault::Url(UNCLEAR))?;
            let address = inner.parse::<Ipv6Addr>().map_err(|_| Fault::Url(UNCLEAR))?;
            return Ok(Self::Address(address.into()));
        }
        let text = text.to_ascii_lowercase();
        let last = text.rsplit('.').next().unwrap_or_default();
        if is_number(last) {
            let address = text.parse::<Ipv4Addr>().map_err(|_| Fault::Url(UNCLEAR))?;
            return Ok(Self::Address(address.into()));
        }
        if text.len() > HOST_BYTES_MAX || !text.split('.').all(is_label) {
            return Err(Fault::Url("its host is no name of letters, digits, hyphens and dots"));
        }
        Ok(Self::Name(text.into()))
    }
}

const UNCLEAR: &str = "its host is an address in a notation that not all read alike";

/// What makes others read the whole as an address: digits, or `0x` and hexadecimal digits.
/// <https://url.spec.whatwg.org/#ends-in-a-number-checker>
fn is_number(label: &str) -> bool {
    match label.strip_prefix("0x") {
        Some(hex) => hex.bytes().all(|b| b.is_ascii_hexdigit()),
        None => !label.is_empty() && label.bytes().all(|b| b.is_ascii_digit()),
    }
}

fn is_label(label: &str) -> bool {
    (1..=LABEL_BYTES_MAX).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_one_notation() {
        for (text, expected) in [
            ("fhir.example.org", Some("fhir.example.org")),
            ("FHIR.Example.ORG", Some("fhir.example.org")),
            ("xn--mller-kva.example", Some("xn--mller-kva.example")),
            ("localhost", Some("localhost")),
            ("1.2.3.4", Some("1.2.3.4")),
            ("4.example", Some("4.example")),
            ("[::1]", Some("[::1]")),
            ("[2001:DB8::0:1]", Some("[2001:db8::1]")),
            ("[::ffff:127.0.0.1]", Some("[::ffff:127.0.0.1]")),
            ("2130706433", None),
            ("0x7f000001", None),
            ("0x7f.1", None),
            ("0x", None),
            ("127.1", None),
            ("127.0.0.0x1", None),
            ("0177.0.0.1", None),
            ("127.0.0.01", None),
            ("256.1.1.1", None),
            ("1.2.3.4.5", None),
            ("1.2.3.4.", None),
            ("[::1%lo]", None),
            ("[::1", None),
            ("[1.2.3.4]", None),
            ("::1", None),
            ("", None),
            (".", None),
            ("a..b", None),
            ("example.org.", None),
            ("-a.example", None),
            ("a-.example", None),
            ("a_b.example", None),
            ("müller.example", None),
            ("１２７.0.0.1", None),
            ("a%2eb.example", None),
            ("127。0。0。1", None),
        ] {
            let read = Host::parse(text).ok().map(|host| host.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
        assert!(Host::parse(&format!("{}.example", "a".repeat(64))).is_err());
        assert!(Host::parse(&["a"; 128].join(".")).is_err());
    }
}
