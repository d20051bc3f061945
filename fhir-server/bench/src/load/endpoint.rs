//! Where requests go. Only this machine: a load generator must not be a weapon.

use anyhow::{Context as _, Result, bail};
use hyper::Uri;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};

/// A FHIR base on the loopback interface, and the token to use there.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    /// The `Host` header.
    pub(crate) authority: String,
    /// The base's path without a closing slash.
    pub(crate) base: String,
    /// The `Authorization` header.
    pub(crate) authorization: Option<String>,
}

impl Endpoint {
    /// Reads `http://host[:port]/base`.
    pub(crate) fn parse(url: &str) -> Result<Self> {
        let uri: Uri = url.parse().with_context(|| format!("`{url}` is not a URL"))?;
        if uri.scheme_str() != Some("http") {
            bail!("`{url}`: only http:// can be measured");
        }
        let authority = uri.authority().with_context(|| format!("`{url}` names no host"))?;
        let address = loopback(authority.host(), authority.port_u16().unwrap_or(80))?;
        let base = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { address, authority: authority.to_string(), base, authorization: None })
    }

    /// The same endpoint for the bearer of `token`.
    pub(crate) fn with_token(mut self, token: &str) -> Self {
        self.authorization = Some(format!("Bearer {token}"));
        self
    }

    /// The same server at another path.
    pub(crate) fn at(&self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self.clone() }
    }
}

/// Resolves a host, and refuses any that is not this machine.
pub(crate) fn loopback(host: &str, port: u16) -> Result<SocketAddr> {
    let bare = host.trim_matches(['[', ']']);
    let local = bare == "localhost" || bare.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    if !local {
        bail!("`{host}` is another machine: only loopback addresses are measured");
    }
    let addresses = (bare, port).to_socket_addrs().with_context(|| format!("`{host}`"))?;
    let addresses: Vec<SocketAddr> = addresses.filter(|a| a.ip().is_loopback()).collect();
    // `localhost` may resolve to ::1 first, where servers seldom listen.
    let first = addresses.iter().find(|a| a.is_ipv4()).or(addresses.first());
    first.copied().with_context(|| format!("`{host}` is not a loopback address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_this_machine_and_no_other() {
        for (url, address, base) in [
            ("http://127.0.0.1:8080/fhir", "127.0.0.1:8080", "/fhir"),
            ("http://127.1.2.3:80/", "127.1.2.3:80", ""),
            ("http://localhost/fhir/r4/", "127.0.0.1:80", "/fhir/r4"),
            ("http://[::1]:9/fhir", "[::1]:9", "/fhir"),
        ] {
            let endpoint = Endpoint::parse(url).unwrap();
            assert_eq!(
                (endpoint.address.to_string().as_str(), endpoint.base.as_str()),
                (address, base)
            );
        }
        for url in [
            "http://example.org/fhir",
            "http://10.0.0.1/fhir",
            "http://0.0.0.0/fhir",
            "http://localhost.example.org/fhir",
            "https://127.0.0.1/fhir",
            "/fhir",
            "not a url",
        ] {
            assert!(Endpoint::parse(url).is_err(), "{url}");
        }
    }
}
