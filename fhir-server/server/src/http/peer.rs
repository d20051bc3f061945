//! Who is calling: the other end of the connection, or whom a proxy that is trusted names.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::{HeaderMap, HeaderName};

use crate::settings::Network;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies that are trusted. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Proxies(Arc<[Network]>);

impl Proxies {
    pub(crate) fn new(networks: &[Network]) -> Self {
        Self(networks.into())
    }

    /// Who is calling by this connection. From the end that is nearest: each proxy adds the one that it saw, so what stands before the first
    /// that is not trusted may be anybody's invention.
    pub(super) fn caller(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        if self.0.is_empty() || !self.trusts(peer.ip()) {
            return peer;
        }
        let lists = headers.get_all(FORWARDED_FOR).iter().rev();
        let texts = lists.map(|value| value.to_str().unwrap_or_default());
        let mut nearest = peer.ip();
        for text in texts.flat_map(|text| text.rsplit(',')) {
            let Some(address) = address(text.trim()) else { break };
            nearest = address.to_canonical();
            if !self.trusts(nearest) {
                break;
            }
        }
        SocketAddr::new(nearest, peer.port())
    }

    /// Whether an address is one of theirs.
    pub(super) fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

/// Some proxies write the port too.
fn address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(with_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_those_who_are_trusted_are_believed() {
        let networks = ["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()];
        let proxies = Proxies::new(&networks);
        for (peer, lists, expected) in [
            ("10.0.0.1", &[][..], "10.0.0.1"),
            ("10.0.0.1", &["1.2.3.4"], "1.2.3.4"),
            ("::ffff:10.0.0.1", &["1.2.3.4"], "1.2.3.4"),
            ("10.0.0.1", &["9.9.9.9, 1.2.3.4"], "1.2.3.4"),
            ("10.0.0.1", &["9.9.9.9, 1.2.3.4, 10.0.0.2"], "1.2.3.4"),
            ("10.0.0.1", &["9.9.9.9", "1.2.3.4"], "1.2.3.4"),
            ("10.0.0.1", &["10.0.0.3,10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", &["2001:db8::1"], "2001:db8::1"),
            ("10.0.0.1", &["9.9.9.9, 1.2.3.4:51000"], "1.2.3.4"),
            ("10.0.0.1", &["[2001:db8::1]:51000"], "2001:db8::1"),
            ("10.0.0.1", &["unknown"], "10.0.0.1"),
            ("10.0.0.1", &["9.9.9.9, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["9.9.9.9, unknown, 10.0.0.2"], "10.0.0.2"),
            ("1.2.3.4", &["9.9.9.9"], "1.2.3.4"),
            ("::1", &["9.9.9.9"], "9.9.9.9"),
        ] {
            let mut headers = HeaderMap::new();
            for list in lists {
                headers.append(FORWARDED_FOR, list.parse().unwrap());
            }
            let peer = SocketAddr::new(peer.parse().unwrap(), 1);
            let caller = proxies.caller(peer, &headers);
            assert_eq!(caller.ip().to_string(), expected, "{peer} {lists:?}");
            let nobody = Proxies::new(&[]);
            assert_eq!(nobody.caller(peer, &headers), peer);
        }
    }
}
