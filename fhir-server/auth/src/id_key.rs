//! The key that signs identity tokens: RSA, as OpenID Connect asks every provider to have; kept sealed in the database,
//! so that all servers of a tenant have the same.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use canonical_model::{Error, Result};
use serde_json::{Value, json};
use store::{AuthStore, KeptKey};
use tokio::task::spawn_blocking;

use crate::cookie::sha256;
use crate::seal::{open, seal};

/// The algorithm, as JOSE and the database name it.
pub(crate) const ALG: &str = "RS256";

/// A key that signs identity tokens.
pub(crate) struct IdKey {
    kid: String,
    jwk: Value,
    pair: KeyPair,
}

impl IdKey {
    /// The key of the database; makes one there where there is none.
    ///
    /// # Errors
    /// Unavailable where the database is away; Internal where its key does not open under this secret.
    pub(crate) async fn load(store: &AuthStore, secret: &[u8; 32]) -> Result<Self> {
        if let Some(key) = Self::first(store, secret).await? {
            return Ok(key);
        }
        let made = spawn_blocking(Self::generate).await.map_err(Error::internal)??;
        store.keep_first_key(ALG, &made.kept(secret)?).await?;
        let key = Self::first(store, secret).await?;
        key.ok_or_else(|| Error::internal("a key that was kept is not there"))
    }

    async fn first(store: &AuthStore, secret: &[u8; 32]) -> Result<Option<Self>> {
        let keys = store.signing_keys(ALG).await?;
        let first = keys.iter().find(|key| key.signs);
        first.map(|kept| Self::open(kept, secret)).transpose()
    }

    pub(crate) fn generate() -> Result<Self> {
        Self::of(KeyPair::generate(KeySize::Rsa2048).map_err(Error::internal)?)
    }

    fn of(pair: KeyPair) -> Result<Self> {
        let public = pair.public_key();
        let n = BASE64.encode(public.modulus().big_endian_without_leading_zero());
        let e = BASE64.encode(public.exponent().big_endian_without_leading_zero());
        // The members that RFC 7638 names, in its order.
        let thumb = format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#);
        let kid = BASE64.encode(sha256(thumb.as_bytes()));
        let jwk = json!({ "kty": "RSA", "n": n, "e": e, "use": "sig", "alg": ALG, "kid": kid });
        Ok(Self { kid, jwk, pair })
    }

    /// The public half (RFC 7517).
    pub(crate) fn jwk(&self) -> &Value {
        &self.jwk
    }

    /// Claims as a signed token.
    pub(crate) fn sign(&self, claims: &Value) -> Result<String> {
        let header = json!({ "alg": ALG, "typ": "JWT", "kid": self.kid });
        let message =
            format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
            .map_err(Error::internal)?;
        Ok(format!("{message}.{}", BASE64.encode(signature)))
    }

    fn kept(&self, secret: &[u8; 32]) -> Result<KeptKey> {
        let der: Pkcs8V1Der<'_> = self.pair.as_der().map_err(Error::internal)?;
        let private = seal(secret, &self.kid, der.as_ref())?;
        Ok(KeptKey { kid: self.kid.clone(), public: self.jwk.clone(), private, signs: true })
    }

    fn open(kept: &KeptKey, secret: &[u8; 32]) -> Result<Self> {
        let wrong = || {
            Error::internal(
                "the key of identity tokens does not open: all servers of a database need the same sealing key, or where there is none the same `signing_key`",
            )
        };
        let opened = open(secret, &kept.kid, &kept.private).ok_or_else(wrong)?;
        Self::of(KeyPair::from_pkcs8(&opened).map_err(|_| wrong())?)
    }
}

impl std::fmt::Debug for IdKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "IdKey({})", self.kid)
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};

    use super::*;

    #[test]
    fn a_key_is_kept_sealed_and_signs_what_others_verify() {
        let key = IdKey::generate().unwrap();
        let kept = key.kept(&[1; 32]).unwrap();
        let again = IdKey::open(&kept, &[1; 32]).unwrap();
        assert_eq!(again.jwk(), key.jwk());
        assert!(IdKey::open(&kept, &[2; 32]).is_err(), "another secret");
        let moved = KeptKey { kid: "x".into(), ..kept };
        assert!(IdKey::open(&moved, &[1; 32]).is_err(), "another key's name");
        let token =
            again.sign(&json!({ "sub": "a", "exp": 4_000_000_000_u64, "aud": "b" })).unwrap();
        let (n, e) = (key.jwk()["n"].as_str().unwrap(), key.jwk()["e"].as_str().unwrap());
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_audience(&["b"]);
        let decoding = DecodingKey::from_rsa_components(n, e).unwrap();
        assert_eq!(decode::<Value>(&token, &decoding, &validation).unwrap().claims["sub"], "a");
        assert_eq!(key.jwk().as_object().unwrap().len(), 6, "no private member");
    }
}
