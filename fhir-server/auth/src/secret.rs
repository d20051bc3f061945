//! Client secrets: as they are sent, and as they are kept.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::{constant_time, rand};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use canonical_model::{Error, Result};
use serde::Deserialize;

use crate::refusal::wording;

/// A secret as it is sent. Prints nothing of itself.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret in.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// For whoever it is sent to.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A secret as it is kept: `sha256$SALT$HEX`, where HEX is SHA-256 of the salt's text followed by
/// the secret. Fast on purpose: client secrets are random, of 128 bits and more, so there is
/// nothing to guess. `printf %s "$SALT$SECRET" | sha256sum` makes one.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct SecretHash {
    salt: String,
    digest: [u8; 32],
}

impl SecretHash {
    /// Reads the kept form.
    ///
    /// # Errors
    /// 400 where it has another form; the text is not repeated.
    pub fn parse(text: &str) -> Result<Self> {
        let mut parts = text.split('$');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some("sha256"), Some(salt), Some(hex), None) if salt.len() >= 8 => {
                unhex(hex).map(|digest| Self { salt: salt.to_owned(), digest })
            }
            _ => None,
        }
        .ok_or_else(|| {
            Error::invalid(
                "a secret is kept as `sha256$SALT$HEX`, the salt of 8 characters or more",
            )
        })
    }

    /// Keeps a secret, with a new random salt.
    ///
    /// # Errors
    /// 500 where the system gives no random bytes.
    pub fn of(secret: &Secret) -> Result<Self> {
        let salt = random_text()?;
        let digest = digest(&salt, secret);
        Ok(Self { salt, digest })
    }

    /// Whether this is the secret; takes the same time whatever differs.
    #[must_use]
    pub fn matches(&self, secret: &Secret) -> bool {
        constant_time::verify_slices_are_equal(&self.digest, &digest(&self.salt, secret)).is_ok()
    }
}

impl TryFrom<String> for SecretHash {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).map_err(|error| wording(&error).to_owned())
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

/// The kept form, for a settings file.
impl fmt::Display for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256${}$", self.salt)?;
        self.digest.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// 128 random bits as 22 characters that need no quoting anywhere.
pub(crate) fn random_text() -> Result<String> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(Error::internal)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

fn digest(salt: &str, secret: &Secret) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(salt.as_bytes());
    context.update(secret.0.as_bytes());
    // SHA-256 always gives 32 bytes.
    context.finish().as_ref().try_into().unwrap_or_default()
}

fn unhex(hex: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    if pairs.len() != bytes.len() || !rest.is_empty() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
        *byte = u8::try_from(high? * 16 + low?).ok()?;
    }
    Some(bytes)
}
