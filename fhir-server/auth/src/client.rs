//! A client, and those that the settings know.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use access::Scopes;
use axum::http::Uri;
use canonical_model::{Error, Result};
use serde::Deserialize;
use store::{KeptClient, RegisteredBy};

use crate::client_keys::Keys;
use crate::limits::CLIENT_ID_BYTES_MAX;
use crate::refusal::wording;
use crate::secret::{Secret, SecretHash};

/// A client as the settings file describes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientConfig {
    /// Its id, as it signs in.
    pub id: String,
    /// Its secret as [`SecretHash`] writes it; none for an app that can keep none.
    pub secret: Option<SecretHash>,
    /// The most it may be granted.
    pub scope: String,
    /// The site it speaks for.
    pub site: String,
    /// What people are told that it is called; its id where it has no name.
    pub name: Option<String>,
    /// Where people who signed in are sent back to, each whole. With one it is an app.
    pub redirects: Vec<String>,
    /// Where it is started from here, with the patient who is open.
    pub launch_url: Option<String>,
    /// Whether it is staff's own: its tokens live for longer.
    pub own: bool,
    /// The public keys that it signs with, as a JWKS; instead of a secret.
    pub jwks: Option<String>,
    /// Where they are, by https; instead of a secret.
    pub jwks_url: Option<String>,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            id: String::new(),
            secret: None,
            scope: String::new(),
            site: "local".to_owned(),
            name: None,
            redirects: Vec::new(),
            launch_url: None,
            own: false,
            jwks: None,
            jwks_url: None,
        }
    }
}

/// A registered client.
#[derive(Debug)]
pub struct Client {
    /// Its id.
    pub id: String,
    /// What people are told that it is called.
    pub name: String,
    /// The most it may be granted.
    pub scopes: Scopes,
    /// The site it speaks for, by its number in the database.
    pub site: i16,
    /// Where people are sent back to, each whole.
    pub redirects: Vec<String>,
    /// Where it is started from here.
    pub launch_url: Option<String>,
    /// Whether it is staff's own.
    pub own: bool,
    /// The generation that its tokens are of.
    pub generation: i32,
    /// Whether the database has it, and not the settings.
    pub registered: bool,
    /// Whether it registered itself, and nobody has looked at it.
    pub by_itself: bool,
    proof: Proof,
}

/// How a client shows who it is.
#[derive(Debug)]
enum Proof {
    /// Not at all: it runs where others can read it.
    Nothing,
    Secret(SecretHash),
    Keys(Keys),
}

/// The registered clients. Clones share them.
#[derive(Clone, Debug)]
pub struct Clients {
    by_id: Arc<HashMap<String, Arc<Client>>>,
    /// Compared where no client has the id, so that the time does not tell.
    nobody: SecretHash,
}

/// The demo's client, in every manual and so in everybody's hands.
const DEMO: (&str, &str) = ("dev-backend", "dev-secret");

impl ClientConfig {
    /// The demo's client: may do everything. `serve` refuses it.
    ///
    /// # Errors
    /// 500 where the system gives no random bytes.
    pub fn demo() -> Result<Self> {
        let (id, secret) = DEMO;
        let secret = SecretHash::of(&Secret::new(secret.to_owned()))?;
        let (id, scope) = (id.to_owned(), "system/*.cruds".to_owned());
        Ok(Self { id, secret: Some(secret), scope, ..Self::default() })
    }
}

impl Clients {
    /// Registers clients; `site_number` knows the sites of the database by name.
    ///
    /// # Errors
    /// 400, naming the client, where an id is illegal or taken, a scope malformed or empty, or a
    /// site unknown.
    pub fn configure(
        configs: Vec<ClientConfig>,
        site_number: impl Fn(&str) -> Option<i16>,
    ) -> Result<Self> {
        let mut by_id = HashMap::with_capacity(configs.len());
        for config in configs {
            let id = config.id.clone();
            let refused = |why: &str| Error::invalid(format!("client `{id}`: {why}"));
            let Some(site) = site_number(&config.site) else {
                return Err(refused(&format!("site `{}` is not known", config.site)));
            };
            let client = Client::new(config, site).map_err(|error| refused(wording(&error)))?;
            if by_id.insert(id.clone(), Arc::new(client)).is_some() {
                return Err(refused("the id is taken"));
            }
        }
        let nobody = SecretHash::of(&Secret::new(crate::secret::random_text()?))?;
        Ok(Self { by_id: Arc::new(by_id), nobody })
    }

    /// The client of this id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Arc<Client>> {
        self.by_id.get(id)
    }

    /// The client, if there is one and the secret is its own. It takes as long where there is none.
    #[must_use]
    pub fn authenticate(
        &self,
        client: Option<Arc<Client>>,
        secret: &Secret,
    ) -> Option<Arc<Client>> {
        let kept = client.as_ref().and_then(|client| client.secret()).unwrap_or(&self.nobody);
        if kept.matches(secret) { client } else { None }
    }

    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Client>> {
        self.by_id.values()
    }

    /// The id of a client that has the demo's id or secret: a reason for `serve` not to start.
    #[must_use]
    pub fn demo_credentials(&self) -> Option<&str> {
        let (demo, secret) = (DEMO.0, Secret::new(DEMO.1.to_owned()));
        let known = |client: &&Arc<Client>| {
            client.id == demo || client.secret().is_some_and(|kept| kept.matches(&secret))
        };
        self.by_id.values().find(known).map(|client| client.id.as_str())
    }
}

impl Proof {
    fn of(config: ClientConfig) -> Result<Self> {
        match (config.secret, config.jwks, config.jwks_url) {
            (Some(secret), None, None) => Ok(Self::Secret(secret)),
            (None, Some(text), None) => Keys::inline(&text).map(Self::Keys),
            (None, None, Some(url)) if url.starts_with("http") => Ok(Self::Keys(Keys::Url(url))),
            (None, None, Some(_)) => Err(Error::invalid("its jwks_url is no URL")),
            (None, None, None) if config.redirects.is_empty() => Err(Error::invalid(
                "a client without a secret and without keys is an app that anybody can read: it needs redirects",
            )),
            (None, None, None) => Ok(Self::Nothing),
            _ => Err(Error::invalid("it has more than one of secret, jwks and jwks_url")),
        }
    }
}

impl Client {
    /// Judges what is said of a client.
    ///
    /// # Errors
    /// 400 where an id is illegal, a scope malformed or empty, an address none to be sent to, or a proof missing.
    pub(crate) fn new(config: ClientConfig, site: i16) -> Result<Self> {
        let ClientConfig { id, scope, name, redirects, launch_url, own, .. } = config.clone();
        if !is_legal(&id) {
            return Err(Error::invalid("an id has 1 to 64 characters of A-Z a-z 0-9 . _ -"));
        }
        let scopes = Scopes::parse(&scope)?;
        if scopes.is_empty() {
            return Err(Error::invalid("it has no scope"));
        }
        let mut all = redirects.iter().chain(&launch_url);
        if let Some(wrong) = all.find(|url| !is_redirect(url)) {
            return Err(Error::invalid(format!(
                "`{wrong}` is no address to be sent to: https, or http on this machine, and no fragment"
            )));
        }
        let (proof, name) = (Proof::of(config)?, name.unwrap_or_else(|| id.clone()));
        let (generation, registered, by_itself) = (0, false, false);
        Ok(Self {
            id,
            name,
            scopes,
            site,
            redirects,
            launch_url,
            own,
            generation,
            registered,
            by_itself,
            proof,
        })
    }

    /// A client as the database keeps it.
    pub(crate) fn of_kept(kept: KeptClient) -> Result<Self> {
        let KeptClient { site, generation, by, .. } = kept;
        let by_itself = by == RegisteredBy::Itself;
        let config = ClientConfig {
            id: kept.client,
            secret: kept.secret.as_deref().map(SecretHash::parse).transpose()?,
            scope: kept.scopes,
            site: String::new(),
            name: Some(kept.name),
            redirects: kept.redirects,
            launch_url: kept.launch_url,
            own: kept.own,
            jwks: kept.jwks.map(|keys| keys.to_string()),
            jwks_url: kept.jwks_url,
        };
        Ok(Self { generation, by_itself, registered: true, ..Self::new(config, site)? })
    }

    /// Where its keys are, if it proves itself by one.
    pub(crate) fn keys(&self) -> Option<&Keys> {
        match &self.proof {
            Proof::Keys(keys) => Some(keys),
            Proof::Nothing | Proof::Secret(_) => None,
        }
    }

    /// Whether it runs where others can read it, and so proves itself by nothing.
    #[must_use]
    pub fn is_public(&self) -> bool {
        matches!(self.proof, Proof::Nothing)
    }

    fn secret(&self) -> Option<&SecretHash> {
        match &self.proof {
            Proof::Nothing | Proof::Keys(_) => None,
            Proof::Secret(secret) => Some(secret),
        }
    }
}

/// A whole URL by https, or by http to one's own machine, where a native app listens (RFC 8252).
pub(crate) fn is_redirect(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let Some(authority) = uri.authority().filter(|it| is_plain(it.as_str())) else { return false };
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let own = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let by = matches!((uri.scheme_str(), own), (Some("https"), _) | (Some("http"), true));
    by && !url.contains(['#', '*'])
}

/// Whether a host, and a port where there is one, are such that they mean the same in the policy of a page, where signs
/// that URLs allow end a source, or a directive.
fn is_plain(authority: &str) -> bool {
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) if address.parse::<Ipv6Addr>().is_ok() => (address, port),
        Some(_) => return false,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':');
    let digits =
        |port: &str| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok();
    let named = !host.is_empty() && host.bytes().all(legal);
    named && (port.is_empty() || port.strip_prefix(':').is_some_and(digits))
}

pub(crate) fn is_legal(id: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    (1..=CLIENT_ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_addresses_are_sent_back_to() {
        for (url, good) in [
            ("https://app.example.org/callback", true),
            ("https://app.example.org:8443/cb?tenant=1", true),
            ("http://127.0.0.1:4000/cb", true),
            ("http://[::1]:4000/cb", true),
            ("http://localhost/cb", true),
            ("http://app.example.org/cb", false),
            ("http://127.0.0.1.example.org/cb", false),
            ("https://user@app.example.org/cb", false),
            ("https://app.example.org/cb#x", false),
            ("https://*.example.org/cb", false),
            ("https://e.example;sandbox/cb", false),
            ("https://e.example,f.example/cb", false),
            ("https://e.example'none'/cb", false),
            ("https://e$ample.org/cb", false),
            ("https://e.example:80;x/cb", false),
            ("https://e.example:99999/cb", false),
            ("https://e.example:/cb", false),
            ("https://[::1;x]/cb", false),
            ("https://[2001:db8::1]:8443/cb", true),
            ("/callback", false),
            ("javascript:alert(1)", false),
            ("", false),
        ] {
            assert_eq!(is_redirect(url), good, "{url}");
        }
    }
}
