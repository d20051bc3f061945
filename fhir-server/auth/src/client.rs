//! The clients this server knows, from its settings.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use access::Scopes;
use axum::http::Uri;
use canonical_model::{Error, Result};
use serde::Deserialize;

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
    by_id: Arc<HashMap<String, Client>>,
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
            let ClientConfig { id, scope, site, name, redirects, launch_url, own, .. } =
                config.clone();
            let refused = |why: &str| Error::invalid(format!("client `{id}`: {why}"));
            if !is_legal(&id) {
                return Err(refused("an id has 1 to 64 characters of A-Z a-z 0-9 . _ -"));
            }
            let scopes = Scopes::parse(&scope).map_err(|error| refused(wording(&error)))?;
            if scopes.is_empty() {
                return Err(refused("it has no scope"));
            }
            let Some(site) = site_number(&site) else {
                return Err(refused(&format!("site `{site}` is not known")));
            };
            let mut all = redirects.iter().chain(&launch_url);
            if let Some(wrong) = all.find(|url| !is_redirect(url)) {
                let why = format!(
                    "`{wrong}` is no address to be sent to: https, or http on this machine, and no fragment"
                );
                return Err(refused(&why));
            }
            let proof = Proof::of(config).map_err(|error| refused(wording(&error)))?;
            let name = name.unwrap_or_else(|| id.clone());
            let client =
                Client { id: id.clone(), name, scopes, site, redirects, launch_url, own, proof };
            if by_id.insert(id.clone(), client).is_some() {
                return Err(refused("the id is taken"));
            }
        }
        let nobody = SecretHash::of(&Secret::new(crate::secret::random_text()?))?;
        Ok(Self { by_id: Arc::new(by_id), nobody })
    }

    /// The client of this id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Client> {
        self.by_id.get(id)
    }

    /// The client of this id, if the secret is its own.
    #[must_use]
    pub fn authenticate(&self, id: &str, secret: &Secret) -> Option<&Client> {
        let client = self.find(id);
        let kept = client.and_then(Client::secret).unwrap_or(&self.nobody);
        if kept.matches(secret) { client } else { None }
    }

    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Client> {
        self.by_id.values()
    }

    /// The client of this id, if it is one that has nothing to prove itself by.
    #[must_use]
    pub fn public(&self, id: &str) -> Option<&Client> {
        self.find(id).filter(|client| client.is_public())
    }

    /// The id of a client that has the demo's id or secret: a reason for `serve` not to start.
    #[must_use]
    pub fn demo_credentials(&self) -> Option<&str> {
        let (demo, secret) = (DEMO.0, Secret::new(DEMO.1.to_owned()));
        let known = |client: &&Client| {
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
            (None, None, None) if config.redirects.is_empty() => {
                Err(Error::invalid("it has neither a secret, nor keys, nor redirects"))
            }
            (None, None, None) => Ok(Self::Nothing),
            _ => Err(Error::invalid("it has more than one of secret, jwks and jwks_url")),
        }
    }
}

impl Client {
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
fn is_redirect(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let own = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let by = matches!((uri.scheme_str(), own), (Some("https"), _) | (Some("http"), true));
    let plain = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    by && plain && !host.is_empty() && !url.contains(['#', '*'])
}

fn is_legal(id: &str) -> bool {
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
            ("/callback", false),
            ("javascript:alert(1)", false),
            ("", false),
        ] {
            assert_eq!(is_redirect(url), good, "{url}");
        }
    }
}
