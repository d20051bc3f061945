//! The clients this server knows, from its settings.

use std::collections::HashMap;
use std::sync::Arc;

use access::Scopes;
use canonical_model::{Error, Result};
use serde::Deserialize;

use crate::limits::CLIENT_ID_BYTES_MAX;
use crate::refusal::wording;
use crate::secret::{Secret, SecretHash};

/// A client as the settings file describes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientConfig {
    /// Its id, as it signs in.
    pub id: String,
    /// Its secret as [`SecretHash`] writes it.
    pub secret: SecretHash,
    /// The most it may be granted.
    pub scope: String,
    /// The site it speaks for.
    #[serde(default = "local")]
    pub site: String,
}

fn local() -> String {
    "local".to_owned()
}

/// A registered client.
#[derive(Debug)]
pub struct Client {
    /// Its id.
    pub id: String,
    /// The most it may be granted.
    pub scopes: Scopes,
    /// The site it speaks for, by its number in the database.
    pub site: i16,
    secret: SecretHash,
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
        Ok(Self { id: id.to_owned(), secret, scope: "system/*.cruds".to_owned(), site: local() })
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
        for ClientConfig { id, secret, scope, site } in configs {
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
            let client = Client { id: id.clone(), scopes, site, secret };
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
        let kept = client.map_or(&self.nobody, |client| &client.secret);
        if kept.matches(secret) { client } else { None }
    }

    /// The id of a client that has the demo's id or secret: a reason for `serve` not to start.
    #[must_use]
    pub fn demo_credentials(&self) -> Option<&str> {
        let (demo, secret) = (DEMO.0, Secret::new(DEMO.1.to_owned()));
        let known = |client: &&Client| client.id == demo || client.secret.matches(&secret);
        self.by_id.values().find(known).map(|client| client.id.as_str())
    }
}

fn is_legal(id: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    (1..=CLIENT_ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(legal)
}
