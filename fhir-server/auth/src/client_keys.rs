//! Keys of clients that prove themselves by one: said in the registration, or fetched from a URL there, through the one
//! door for such URLs, and remembered for as long as the answer says, within limits.

use std::sync::Arc;
use std::time::Duration;

use axum::http::header::CACHE_CONTROL;
use canonical_model::{Error, Kind, Result};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use moka::sync::Cache;
use outbound::{Call, Outbound};
use telemetry::Ticks;
use tokio::sync::Mutex;
use tracing::warn;

use crate::limits::{
    CLIENT_KEYS_MAX, JWKS_AGAIN_S, JWKS_PAUSE_S, JWKS_S_MAX, JWKS_S_MIN, JWKS_URLS_MAX,
};

/// Where the keys of a client are.
#[derive(Clone, Debug)]
pub(crate) enum Keys {
    /// In the registration.
    Inline(Arc<JwkSet>),
    /// There.
    Url(String),
}

/// Fetches and remembers.
pub(crate) struct ClientKeys {
    door: Option<Outbound>,
    ticks: Ticks,
    fetched: Cache<String, Fetched>,
    /// Until when a URL that gave none is not asked again.
    failed: Cache<String, u64>,
    /// Whose turn it is to fetch from a URL: one at a time, for anybody may ask for a key.
    turns: Cache<String, Arc<Mutex<()>>>,
}

#[derive(Clone)]
struct Fetched {
    keys: Arc<JwkSet>,
    /// In nanoseconds of [`Ticks`].
    at: u64,
    until: u64,
}

impl Keys {
    /// Reads a JWKS as a registration has it.
    ///
    /// # Errors
    /// 400 where it is none, or has private or too many keys.
    pub(crate) fn inline(text: &str) -> Result<Self> {
        read(text.as_bytes()).map(Arc::new).map(Self::Inline)
    }

    /// The registered URL.
    pub(crate) fn url(&self) -> Option<&str> {
        match self {
            Self::Inline(_) => None,
            Self::Url(url) => Some(url),
        }
    }
}

fn read(text: &[u8]) -> Result<JwkSet> {
    let none =
        || Error::invalid("the keys are no JWKS: {\"keys\": [ … ]} with kid, kty and the rest");
    let value: serde_json::Value = serde_json::from_slice(text).map_err(|_| none())?;
    let keys = value.get("keys").and_then(serde_json::Value::as_array).ok_or_else(none)?;
    if keys.len() > CLIENT_KEYS_MAX {
        return Err(Error::invalid("the JWKS has too many keys"));
    }
    if keys.iter().any(|key| key.get("d").is_some() || key.get("k").is_some()) {
        let text = "the JWKS holds a private key: whoever has read it can pass for this client. Make a new one.";
        return Err(Error::invalid(text));
    }
    // Keys of kinds that we do not know are no fault of the others.
    let ours = |key: &&serde_json::Value| {
        let kind = key.get("kty").and_then(serde_json::Value::as_str);
        matches!(kind, Some("RSA" | "EC"))
    };
    let known = keys.iter().filter(ours);
    let known = known.filter_map(|key| serde_json::from_value::<Jwk>(key.clone()).ok());
    Ok(JwkSet { keys: known.collect() })
}

impl ClientKeys {
    pub(crate) fn new(door: Option<Outbound>, ticks: Ticks) -> Self {
        let (fetched, failed) = (Cache::new(JWKS_URLS_MAX), Cache::new(JWKS_URLS_MAX));
        Self { door, ticks, fetched, failed, turns: Cache::new(JWKS_URLS_MAX) }
    }

    /// The door that URLs are called by.
    pub(crate) fn door(&self) -> Option<&Outbound> {
        self.door.as_ref()
    }

    /// The key of this name. Where a URL's keys have it not, they are fetched anew, but not more often than once a
    /// minute: the client may have a new one, or somebody makes names up.
    pub(crate) async fn find(&self, client: &str, keys: &Keys, kid: &str) -> Result<Option<Jwk>> {
        let url = match keys {
            Keys::Inline(keys) => return Ok(keys.find(kid).cloned()),
            Keys::Url(url) => url,
        };
        if let Some(found) = self.known(url, kid)? {
            return Ok(found);
        }
        let turn = self.turns.get_with(url.clone(), Arc::default);
        let _turn = turn.lock().await;
        // Whoever had the turn before may have fetched them.
        if let Some(found) = self.known(url, kid)? {
            return Ok(found);
        }
        let now = self.ticks.nanos();
        let fetched = self.fetch(url, now).await.inspect_err(|error| {
            warn!(client, cause = ?error.cause, "A client's keys cannot be fetched.");
            let until = self.ticks.nanos().saturating_add(nanos(JWKS_PAUSE_S));
            self.failed.insert(url.clone(), until);
        })?;
        let found = fetched.keys.find(kid).cloned();
        self.fetched.insert(url.clone(), fetched);
        Ok(found)
    }

    /// What is known of a key without a fetch; `None` where there must be one.
    ///
    /// # Errors
    /// Unavailable where a fetch has failed a moment ago.
    fn known(&self, url: &str, kid: &str) -> Result<Option<Option<Jwk>>> {
        let now = self.ticks.nanos();
        if let Some(known) = self.fetched.get(url).filter(|known| now < known.until) {
            let found = known.keys.find(kid).cloned();
            let young = now.saturating_sub(known.at) < nanos(JWKS_AGAIN_S);
            if found.is_some() || young {
                return Ok(Some(found));
            }
        }
        match self.failed.get(url) {
            Some(until) if now < until => Err(away()),
            _ => Ok(None),
        }
    }

    async fn fetch(&self, url: &str, now: u64) -> Result<Fetched> {
        let door = self.door.as_ref().ok_or_else(away)?;
        let answer = door.call(Call::get(url, "application/json")).await;
        let answer = answer.map_err(|fault| away().caused_by(fault))?;
        if !answer.status.is_success() {
            return Err(away());
        }
        let keys = Arc::new(read(&answer.body).map_err(|error| away().caused_by(error))?);
        let said = answer.headers.get(CACHE_CONTROL).and_then(|value| value.to_str().ok());
        let life_s = said.map_or(JWKS_S_MIN, max_age).clamp(JWKS_S_MIN, JWKS_S_MAX);
        Ok(Fetched { keys, at: now, until: now.saturating_add(nanos(life_s)) })
    }
}

fn away() -> Error {
    Error::new(Kind::Unavailable, "The client's keys cannot be fetched.")
}

/// How long an answer may be kept, in seconds.
fn max_age(said: &str) -> u64 {
    let mut words = said.split(',').map(str::trim);
    words.find_map(|word| word.strip_prefix("max-age=")?.parse().ok()).unwrap_or_default()
}

fn nanos(seconds: u64) -> u64 {
    u64::try_from(Duration::from_secs(seconds).as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_and_private_ones_refused() {
        let point = r#""kty":"EC","crv":"P-384","x":"AA","y":"AA","kid":"a""#;
        for (text, known) in [
            (format!(r#"{{"keys":[{{{point}}}]}}"#), Some(1)),
            (format!(r#"{{"keys":[{{{point}}},{{"kty":"strange"}}]}}"#), Some(1)),
            (r#"{"keys":[]}"#.to_owned(), Some(0)),
            (format!(r#"{{"keys":[{{{point},"d":"AA"}}]}}"#), None),
            (r#"{"keys":[{"kty":"oct","k":"AA"}]}"#.to_owned(), None),
            ("[]".to_owned(), None),
            ("x".to_owned(), None),
            (format!(r#"{{"keys":[{}]}}"#, vec!["{}"; 60].join(",")), None),
        ] {
            let read = read(text.as_bytes()).ok().map(|set| set.keys.len());
            assert_eq!(read, known, "{text}");
        }
    }

    #[test]
    fn caching_is_as_the_answer_says() {
        for (said, seconds) in
            [("max-age=60", 60), ("public, max-age=600", 600), ("no-store", 0), ("max-age=x", 0)]
        {
            assert_eq!(max_age(said), seconds, "{said}");
        }
    }
}
