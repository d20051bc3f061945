//! Who sees the metrics: how a server is doing is for those who run it.

use std::net::IpAddr;

use auth::{Secret, SecretHash, bearer};
use http::HeaderMap;

use super::Network;

/// What a proxy says that it is one by.
const FORWARDED: [&str; 3] = ["forwarded", "x-forwarded-for", "via"];

/// Who sees the metrics.
#[derive(Clone, Debug)]
pub struct MetricsSettings {
    /// From where they are seen.
    pub from: Vec<Network>,
    /// By which token from anywhere.
    pub token: Option<SecretHash>,
}

impl Default for MetricsSettings {
    /// This machine itself.
    fn default() -> Self {
        let from = ["127.0.0.0/8", "::1"].iter().filter_map(|text| text.parse().ok()).collect();
        Self { from, token: None }
    }
}

impl MetricsSettings {
    /// Whether a request is of one of them. Through a proxy that is not one of `trusted_proxies` everybody seems to be
    /// this machine, so whatever came through one needs the token.
    pub(crate) fn admits(&self, caller: Option<IpAddr>, headers: &HeaderMap) -> bool {
        let token = || bearer(headers).ok().map(|sent| Secret::new(sent.to_owned()));
        if let Some(kept) = &self.token
            && token().is_some_and(|sent| kept.matches(&sent))
        {
            return true;
        }
        let passed_on = FORWARDED.iter().any(|name| headers.contains_key(*name));
        !passed_on && caller.is_some_and(|it| self.from.iter().any(|network| network.contains(it)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_runs_the_server_sees_them() {
        let own = MetricsSettings::default();
        let token = SecretHash::of(&Secret::new("a-token-of-the-monitor".to_owned())).unwrap();
        let wide =
            MetricsSettings { from: vec!["10.0.0.0/8".parse().unwrap()], token: Some(token) };
        let shown = ("authorization", "Bearer a-token-of-the-monitor");
        for (settings, caller, header, seen) in [
            (&own, Some("127.0.0.1"), None, true),
            (&own, Some("::1"), None, true),
            (&own, Some("::ffff:127.0.0.1"), None, true),
            (&own, Some("10.1.2.3"), None, false),
            (&own, Some("127.0.0.1"), Some(("x-forwarded-for", "1.2.3.4")), false),
            (&own, Some("127.0.0.1"), Some(("forwarded", "for=1.2.3.4")), false),
            (&own, Some("127.0.0.1"), Some(("via", "1.1 proxy")), false),
            (&own, Some("10.1.2.3"), Some(shown), false),
            (&own, None, None, false),
            (&wide, Some("10.1.2.3"), None, true),
            (&wide, Some("127.0.0.1"), None, false),
            (&wide, Some("1.2.3.4"), Some(shown), true),
            (&wide, None, Some(shown), true),
            (&wide, Some("1.2.3.4"), Some(("authorization", "Bearer another-token")), false),
            (&wide, Some("1.2.3.4"), Some(("authorization", "Basic YTpi")), false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some((name, value)) = header {
                headers.insert(name, value.parse().unwrap());
            }
            let caller = caller.map(|text| text.parse().unwrap());
            assert_eq!(settings.admits(caller, &headers), seen, "{caller:?} {header:?}");
        }
    }
}
