//! What a server is told: defaults, then the settings file, then the environment, then flags.

mod access;
mod audit;
mod auth;
mod default;
mod file;
mod flags;
mod http;
mod metrics;
mod outbound;
mod seal;
mod secret;
mod validation;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ::auth::{ClientConfig, Rates};
use anyhow::{Context, Result, ensure};
use domain::{Hooks, Policy};
use rest::Bodies;
use telemetry::Clock;

pub use audit::AuditSettings;
pub use auth::AuthSettings;
pub(crate) use flags::{ConfigFlag, DatabaseFlag, DomainFlags, Role, ServerFlags};
pub use http::{HttpSettings, Network, TlsSettings};
pub use metrics::MetricsSettings;
pub use outbound::OutboundSettings;
pub use seal::{AwsFlags, KmsSettings, SealKey, SealSettings};
pub use secret::DatabaseUrl;

/// What a server is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where HTTP is served.
    pub listen: SocketAddr,
    /// The public origin; none takes `http://`, or `https://` with TLS, and the listener's address.
    pub base_url: Option<String>,
    /// How HTTP is served.
    pub http: HttpSettings,
    /// The tenant's database.
    pub database: DatabaseSettings,
    /// The authorization server.
    pub auth: AuthSettings,
    /// The clients it knows.
    pub clients: Vec<ClientConfig>,
    /// Choices where FHIR leaves them.
    pub policy: Policy,
    /// What is stored sealed.
    pub seal: SealSettings,
    /// The record of accesses.
    pub audit: AuditSettings,
    /// What large requests may take.
    pub bodies: Bodies,
    /// How often may be asked.
    pub throttle: Rates,
    /// Where URLs out of data may lead.
    pub outbound: OutboundSettings,
    /// Who sees the metrics.
    pub metrics: MetricsSettings,
    /// The log.
    pub log: LogSettings,
    /// What this process does.
    pub roles: Roles,
    /// Rules that may refuse a write.
    pub hooks: Hooks,
    /// What tells it the time; only tests choose another.
    pub clock: Clock,
}

/// The tenant's database.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    /// Where it is.
    pub url: Option<DatabaseUrl>,
    /// Whether it may be reached in the clear beyond this machine.
    pub clear: bool,
    /// Connections to it.
    pub connections: u32,
    /// Space held back in it for a full disk, in MiB; 0 holds none.
    pub reserve_mib: u16,
    /// How long one statement of a search may run, in milliseconds.
    pub search_ms: u32,
    /// Index entries that may be counted of a source before a search; only tests choose another number.
    pub probed_entries: i64,
}

/// The log.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// As `info,store=debug`.
    pub filter: String,
    /// The shape of its lines; none leaves it to the command.
    pub format: Option<telemetry::Format>,
}

/// What a process does: one binary, split over several where load asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles {
    /// Answers FHIR and token requests.
    pub api: bool,
    /// Does what no request asks for.
    pub worker: bool,
}

impl DatabaseSettings {
    /// Where it is.
    ///
    /// # Errors
    /// Nobody said.
    pub fn url(&self) -> Result<&DatabaseUrl> {
        self.url.as_ref().context(
            "No database is set: set CAREBRIDGE_DATABASE_URL to postgres://user:password@host:port/name; \
             `carebridge dev` (`make run`) prints its own as Database.",
        )
    }
}

impl Settings {
    /// The public origin of a server that listens on `address`.
    ///
    /// # Errors
    /// The one set is not an origin.
    pub fn origin(&self, address: SocketAddr) -> Result<String> {
        match &self.base_url {
            Some(url) => origin(url),
            None => {
                let scheme = if self.http.tls.is_some() { "https" } else { "http" };
                Ok(format!("{scheme}://{}", reachable(address)))
            }
        }
    }
}

/// Checks that a URL is an origin: a scheme, a host, nothing behind.
fn origin(url: &str) -> Result<String> {
    let trimmed = url.trim_end_matches('/');
    let uri = trimmed.parse::<::http::Uri>().ok().filter(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.path_and_query().is_none_or(|rest| rest.as_str() == "/")
            && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
    });
    ensure!(
        uri.is_some(),
        "The base URL {url:?} must be an origin such as https://fhir.example.org, without a path."
    );
    Ok(trimmed.to_owned())
}

/// The address under which this machine reaches one that may stand for all interfaces.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        ip if !ip.is_unspecified() => address,
        IpAddr::V4(_) | IpAddr::V6(_) => (Ipv4Addr::LOCALHOST, address.port()).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_and_a_host() {
        for (base_url, listen, expected) in [
            (None, "127.0.0.1:8080", Some("http://127.0.0.1:8080")),
            (None, "0.0.0.0:9000", Some("http://127.0.0.1:9000")),
            (None, "[::1]:9000", Some("http://[::1]:9000")),
            (Some("https://fhir.example.org/"), "0.0.0.0:80", Some("https://fhir.example.org")),
            (Some("https://fhir.example.org/fhir"), "0.0.0.0:80", None),
            (Some("https://a:b@fhir.example.org"), "0.0.0.0:80", None),
            (Some("fhir.example.org"), "0.0.0.0:80", None),
            (Some("ftp://fhir.example.org"), "0.0.0.0:80", None),
            (Some(""), "0.0.0.0:80", None),
        ] {
            let settings =
                Settings { base_url: base_url.map(str::to_owned), ..Settings::default() };
            let origin = settings.origin(listen.parse().unwrap()).ok();
            assert_eq!(origin.as_deref(), expected, "{base_url:?} {listen}");
        }
        let mut settings = Settings::default();
        let (certificate, key) = ("c".into(), "k".into());
        let tls = TlsSettings { certificate, key, client_ca: None, client_required: false };
        settings.http.tls = Some(tls);
        let origin = settings.origin("127.0.0.1:8443".parse().unwrap()).unwrap();
        assert_eq!(origin, "https://127.0.0.1:8443");
    }
}
