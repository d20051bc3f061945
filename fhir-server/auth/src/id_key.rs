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
use store::NewKey;

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

    /// As the database keeps it.
    pub(crate) fn kept(&self, secret: &[u8; 32]) -> Result<NewKey> {
        let der: Pkcs8V1Der<'_> = self.pair.as_der().map_err(Error::internal)?;
        let private = seal(secret, &self.kid, der.as_ref())?;
        Ok(NewKey { kid: self.kid.clone(), alg: ALG, public: self.jwk.clone(), private })
    }

    /// A key that the database kept; `None` where it is not of this name and under this secret.
    pub(crate) fn open(kid: &str, private: &str, secret: &[u8; 32]) -> Option<Self> {
        let pair = KeyPair::from_pkcs8(&open(secret, kid, private)?).ok()?;
        Self::of(pair).ok().filter(|key| key.kid == kid)
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
        let again = IdKey::open(&kept.kid, &kept.private, &[1; 32]).unwrap();
        assert_eq!(again.jwk(), key.jwk());
        for (kid, secret) in [(kept.kid.as_str(), [2; 32]), ("x", [1; 32])] {
            assert!(IdKey::open(kid, &kept.private, &secret).is_none(), "{kid}");
        }
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
