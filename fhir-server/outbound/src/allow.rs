//! The hosts that the settings allow more: machines of the operator's own network.

use std::collections::HashMap;

use crate::address::Class;
use crate::fault::Fault;
use crate::host::Host;
use crate::limits::ALLOWED_MAX;
use crate::target::Origin;

/// `[outbound] allow`: whole hosts, compared as such. A name that begins or ends with one of them is another.
#[derive(Clone, Debug, Default)]
pub struct Allow(HashMap<(Host, Option<u16>), Clear>);

/// Whether a host may be spoken to without TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clear {
    Yes,
    No,
}

impl Allow {
    /// Reads entries such as `keys.hospital.internal`, `10.1.2.3:8443`, `http://10.1.2.3:8080`. An entry
    /// lets its host have an address of a private network or of this machine; `http://` before it lets it
    /// be spoken to in the clear. Without a port it stands for every port.
    ///
    /// # Errors
    /// The first entry that is no host, or more than [`ALLOWED_MAX`].
    pub fn parse<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, Fault> {
        let mut hosts = HashMap::new();
        for entry in entries {
            let (clear, host) = match entry.strip_prefix("http://") {
                Some(host) => (Clear::Yes, host),
                None => (Clear::No, entry.strip_prefix("https://").unwrap_or(entry)),
            };
            // With a scheme of its own, so that a port is never taken for one.
            let Origin { host: name, port, .. } = Origin::parse(&format!("https://{host}"))?;
            let port = host.ends_with(&format!(":{port}")).then_some(port);
            hosts.insert((name, port), clear);
            if hosts.len() > ALLOWED_MAX {
                return Err(Fault::Url("there are more than 1,000 of them"));
            }
        }
        Ok(Self(hosts))
    }

    fn entry(&self, origin: &Origin) -> Option<Clear> {
        let at = |port| self.0.get(&(origin.host.clone(), port)).copied();
        at(Some(origin.port)).or_else(|| at(None))
    }

    /// # Errors
    /// The URL is of `http`, and its host is not allowed that.
    pub(crate) fn expect_scheme(&self, origin: &Origin) -> Result<(), Fault> {
        match origin.tls || self.entry(origin) == Some(Clear::Yes) {
            true => Ok(()),
            false => Err(Fault::Clear),
        }
    }

    /// Whether a host may have an address of this class.
    pub(crate) fn reaches(&self, origin: &Origin, class: Class) -> bool {
        match class {
            Class::Public => true,
            Class::Inside => self.entry(origin).is_some(),
            Class::Never => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_compared_whole() {
        let entries =
            ["keys.internal", "http://10.1.2.3:8080", "[fd00::1]:8443", "https://b.internal"];
        let allow = Allow::parse(entries).unwrap();
        for (url, clear, inside) in [
            ("https://keys.internal", true, true),
            ("https://KEYS.internal:8443", true, true),
            ("http://keys.internal", false, true),
            ("https://keys.internal.evil.example", true, false),
            ("https://evilkeys.internal", true, false),
            ("https://x.keys.internal", true, false),
            ("https://internal", true, false),
            ("http://10.1.2.3:8080", true, true),
            ("https://10.1.2.3:8080", true, true),
            ("http://10.1.2.3", false, false),
            ("http://10.1.2.3:80801", false, false),
            ("https://[fd00::1]:8443", true, true),
            ("https://[fd00:0::1]:8443", true, true),
            ("https://[fd00::1]", true, false),
            ("https://b.internal", true, true),
            ("http://b.internal", false, true),
        ] {
            let Ok(origin) = Origin::parse(url) else {
                assert_eq!(url, "http://10.1.2.3:80801", "it is no origin");
                continue;
            };
            assert_eq!(allow.expect_scheme(&origin).is_ok(), clear, "{url}");
            assert_eq!(allow.reaches(&origin, Class::Inside), inside, "{url}");
            assert!(allow.reaches(&origin, Class::Public), "{url}");
            assert!(!allow.reaches(&origin, Class::Never), "{url}");
        }
        for wrong in ["", "a b", "*.internal", ".internal", "a/b", "user@a", "0x7f.1", "ftp://a"] {
            assert!(Allow::parse([wrong]).is_err(), "{wrong}");
        }
    }
}
