//! What a URL names: scheme, host, port, and the rest of it for that host alone.

use http::Uri;
use http::uri::PathAndQuery;

use crate::fault::Fault;
use crate::host::Host;
use crate::limits::URL_BYTES_MAX;

/// Where a request goes, and to whom a credential may be shown.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    /// Whether by TLS.
    pub(crate) tls: bool,
    pub(crate) host: Host,
    pub(crate) port: u16,
}

/// A URL that can be used.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) origin: Origin,
    pub(crate) path: PathAndQuery,
}

impl Target {
    /// Reads a URL strictly: what two readers could understand in two ways is refused.
    ///
    /// # Errors
    /// It is no URL of `https` or `http`, or names a user.
    pub(crate) fn parse(url: &str) -> Result<Self, Fault> {
        if url.len() > URL_BYTES_MAX {
            return Err(Fault::Url("it has more than 2,048 bytes"));
        }
        let uri: Uri = url.parse().map_err(|_| Fault::Url("it is no URL"))?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(Fault::Url("it begins with neither https:// nor http://")),
        };
        let authority = uri.authority().ok_or(Fault::Url("it has no host"))?;
        let port = authority.port().map(|port| port.as_u16());
        // A user, an empty port, leading zeros: all that is not just host and port.
        let plain = match port {
            Some(port) => format!("{}:{port}", authority.host()),
            None => authority.host().to_owned(),
        };
        if authority.as_str() != plain {
            return Err(Fault::Url("it has more before its path than a host and a port"));
        }
        let port = port.unwrap_or(if tls { 443 } else { 80 });
        if port == 0 {
            return Err(Fault::Url("it has no port that can be reached"));
        }
        let origin = Origin { tls, host: Host::parse(authority.host())?, port };
        let path = uri.path_and_query().cloned();
        Ok(Self { origin, path: path.unwrap_or_else(|| PathAndQuery::from_static("/")) })
    }
}

impl Origin {
    /// Reads an origin: a URL without a path.
    ///
    /// # Errors
    /// As [`Target::parse`]; or there is more.
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        let Target { origin, path } = Target::parse(text)?;
        match path.as_str() {
            "/" | "" => Ok(origin),
            _ => Err(Fault::Url("it has a path, where only a scheme, a host and a port may be")),
        }
    }

    /// `Host` of a request.
    pub(crate) fn authority(&self) -> String {
        match (self.tls, self.port) {
            (true, 443) | (false, 80) => self.host.to_string(),
            _ => format!("{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_urls_strictly() {
        for (url, expected) in [
            ("https://a.example/keys?x=1", Some("true a.example 443 /keys?x=1")),
            ("https://a.example", Some("true a.example 443 /")),
            ("https://A.example:8443/", Some("true a.example 8443 /")),
            ("http://a.example/x#secret", Some("false a.example 80 /x")),
            ("https://[::1]:8443/", Some("true [::1] 8443 /")),
            ("https://a.example@evil.example/", None),
            ("https://a:b@a.example/", None),
            ("https://@a.example/", None),
            ("https://a.example:/", None),
            ("https://a.example:0/", None),
            ("https://a.example:0443/", None),
            ("https://a.example:99999/", None),
            ("https://a.example\\@evil.example/", None),
            ("https://a.example /", None),
            ("https://a.example\r\nHost: evil/", None),
            ("https:///keys", None),
            ("https:a.example", None),
            ("//a.example/", None),
            ("/keys", None),
            ("ftp://a.example/", None),
            ("file:///etc/passwd", None),
            ("gopher://a.example/", None),
            ("data:text/plain,x", None),
            ("", None),
            ("https://0x7f.1/", None),
            ("https://2130706433/", None),
        ] {
            let read = Target::parse(url).ok().map(|Target { origin, path }| {
                format!("{} {} {} {path}", origin.tls, origin.host, origin.port)
            });
            assert_eq!(read.as_deref(), expected, "{url}");
        }
        assert!(Target::parse(&format!("https://a.example/{}", "x".repeat(2_048))).is_err());
    }
}
