//! Signs access tokens with the server's own key: what it will issue to users and their apps, before it does.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};
use auth::SigningKey;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use telemetry::Clock;

/// Seconds that a token holds.
const HOLDS_S: i64 = 3_600;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A key in a file of its own, for `auth.signing_key` of a server's settings. The file goes with it.
pub struct Signer {
    /// The file.
    pub file: PathBuf,
    kid: String,
    key: EncodingKey,
}

impl Signer {
    /// Makes a key.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn create() -> Result<Self> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("carebridge-key-{}-{number}.pem", std::process::id());
        let file = std::env::temp_dir().join(name);
        let kid = SigningKey::load_or_create(&file)?.kid().to_owned();
        let pem = std::fs::read_to_string(&file)?;
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        Ok(Self { file, kid, key: EncodingKey::from_ec_der(&BASE64_STANDARD.decode(body)?) })
    }

    /// The key's name.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// A token of this server for an app of who stands for a patient: `scope` as SMART writes it.
    ///
    /// # Errors
    /// It cannot be signed.
    pub fn patient_token(&self, origin: &str, patient: &str, scope: &str) -> Result<String> {
        self.token(origin, &json!({ "patient": patient, "roles": ["proxy"], "scope": scope }))
    }

    /// A token of this server for a user, with these claims beside those that every token has.
    ///
    /// # Errors
    /// It cannot be signed.
    pub fn token(&self, origin: &str, others: &Value) -> Result<String> {
        let now_s = Clock::system().micros() / 1_000_000;
        let header = Header {
            typ: Some("at+jwt".to_owned()),
            kid: Some(self.kid.clone()),
            ..Header::new(Algorithm::ES256)
        };
        let mut claims = json!({
            "iss": format!("{origin}/auth"), "aud": format!("{origin}/fhir"), "sub": "a user",
            "client_id": "dev-backend",
            "iat": now_s, "nbf": now_s, "exp": now_s + HOLDS_S, "jti": fastrand::u64(..).to_string(),
        });
        if let (Some(claims), Some(others)) = (claims.as_object_mut(), others.as_object()) {
            claims.extend(others.clone());
        }
        encode(&header, &claims, &self.key).context("a token is signed")
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.kid)
    }
}

impl Drop for Signer {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.file));
    }
}
