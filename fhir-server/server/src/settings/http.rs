//! How HTTP is served: by TLS or behind a proxy, and whom the server believes who is calling.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Error, Result, ensure};

/// How HTTP is served.
#[derive(Clone, Debug, Default)]
pub struct HttpSettings {
    /// Proxies whose `X-Forwarded-For` is believed; TLS ends at them.
    pub trusted_proxies: Vec<Network>,
    /// TLS, where it ends here.
    pub tls: Option<TlsSettings>,
}

/// Files of a listener that speaks TLS, all PEM.
#[derive(Clone, Debug)]
pub struct TlsSettings {
    /// The certificate, and those between it and an authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Authorities whose clients' certificates are taken; none asks for no certificate.
    pub client_ca: Option<PathBuf>,
    /// Whether a client without one is refused.
    pub client_required: bool,
}

/// A network, as `10.0.0.0/8`, or one address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    length: u8,
}

impl Network {
    /// Whether it holds an address, however that one is written.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                (base.to_bits() ^ address.to_bits()).leading_zeros() >= self.length.into()
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                (base.to_bits() ^ address.to_bits()).leading_zeros() >= self.length.into()
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let what = || format!("`{text}` is no network such as 10.0.0.0/8 or 10.1.2.3");
        let (base, length) = match text.split_once('/') {
            Some((base, length)) => (base, Some(length.parse::<u8>().with_context(what)?)),
            None => (text, None),
        };
        let base = base.parse::<IpAddr>().with_context(what)?.to_canonical();
        let bits = if base.is_ipv4() { 32 } else { 128 };
        let length = length.unwrap_or(bits);
        ensure!(length <= bits, what());
        // Everybody as a proxy would be everybody's word for who is calling.
        ensure!(length > 0, "`{text}` is every address: name the proxies.");
        Ok(Self { base, length })
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_addresses() {
        for (network, address, holds) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.4", false),
            ("::ffff:10.1.2.3", "10.1.2.3", true),
            ("fd00::/8", "fd12::1", true),
            ("fd00::/8", "fe12::1", false),
            ("::1", "::1", true),
            ("::1", "127.0.0.1", false),
            ("0.0.0.0/1", "::1", false),
        ] {
            let network: Network = network.parse().unwrap();
            assert_eq!(network.contains(address.parse().unwrap()), holds, "{network:?} {address}");
        }
        for wrong in ["", "10.0.0.0/33", "::/129", "10.0.0", "a", "0.0.0.0/0", "::/0", "10.0.0.0/"]
        {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
