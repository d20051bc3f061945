//! Access tokens: given, or obtained by client credentials and renewed in time.
//! <https://datatracker.ietf.org/doc/html/rfc6749#section-4.4>

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::http::{Server, refusal};
use crate::limits::{TOKEN_LIFETIME_DEFAULT, TOKEN_MARGIN};
use crate::outcome;

/// How requests are authorised.
#[derive(Clone)]
pub enum Auth {
    /// No token is sent.
    None,
    /// This token, as it is.
    Token(String),
    /// A token from `/auth/token` of the server's origin.
    Client {
        /// `client_id`.
        id: String,
        /// `client_secret`.
        secret: String,
        /// What to ask for.
        scope: String,
    },
}

impl Auth {
    /// Client credentials with rights to everything.
    #[must_use]
    pub fn client(id: &str, secret: &str) -> Self {
        Self::Client { id: id.into(), secret: secret.into(), scope: "system/*.cruds".into() }
    }
}

/// The client that a development system comes with.
impl Default for Auth {
    fn default() -> Self {
        Self::client("dev-backend", "dev-secret")
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Token(_) => f.write_str("Token(‹secret›)"),
            Self::Client { id, .. } => write!(f, "Client({id}, ‹secret›)"),
        }
    }
}

/// The token in force.
#[derive(Debug)]
pub(crate) struct Tokens {
    auth: Auth,
    current: Mutex<Option<Current>>,
}

struct Current {
    token: String,
    renew_at: Instant,
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹token›")
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: Option<u64>,
}

impl Tokens {
    pub(crate) fn new(auth: Auth) -> Self {
        Self { auth, current: Mutex::new(None) }
    }

    /// The token to send. Those who come while one is fetched wait for it.
    pub(crate) async fn bearer(&self, server: &Server) -> Result<Option<String>> {
        let (id, secret, scope) = match &self.auth {
            Auth::None => return Ok(None),
            Auth::Token(token) => return Ok(Some(token.clone())),
            Auth::Client { id, secret, scope } => (id, secret, scope),
        };
        let mut current = self.current.lock().await;
        if let Some(held) = &*current
            && Instant::now() < held.renew_at
        {
            return Ok(Some(held.token.clone()));
        }
        let granted = fetch(server, id, secret, scope).await?;
        let lifetime = granted.expires_in.map_or(TOKEN_LIFETIME_DEFAULT, Duration::from_secs);
        let margin = TOKEN_MARGIN.min(lifetime / 2);
        let renew_at = Instant::now() + lifetime.saturating_sub(margin);
        *current = Some(Current { token: granted.access_token.clone(), renew_at });
        Ok(Some(granted.access_token))
    }

    /// Drops a token that the server refused; whether another can be had.
    pub(crate) async fn refused(&self, token: Option<&str>) -> bool {
        let mut current = self.current.lock().await;
        if current.as_ref().map(|held| held.token.as_str()) == token {
            *current = None;
        }
        matches!(self.auth, Auth::Client { .. })
    }
}

async fn fetch(server: &Server, id: &str, secret: &str, scope: &str) -> Result<Granted> {
    let url = server.at_origin("/auth/token");
    let form = [("grant_type", "client_credentials"), ("scope", scope)];
    let request = server.http().post(url.clone()).basic_auth(id, Some(secret)).form(&form);
    let answer = server.retrying(&request).await?;
    if answer.status != 200 {
        let (status, said) = (answer.status, outcome::read(&answer.body).text);
        return Err(refusal(format!("{url} gives client {id} no token ({status}): {said}")));
    }
    serde_json::from_slice(&answer.body)
        .with_context(|| format!("{url} answered 200 without an access_token."))
}
