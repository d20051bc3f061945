//! Keys that sign seals: ECDSA on P-256, named by their thumbprint (RFC 7638). The private half is kept sealed
//! under the data key `record`: who has only the database can make another key, but none that opens with it.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
    UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use canonical_model::{Error, Result};
use serde_json::{Value, json};

use crate::aead;
use crate::keys::{Keys, Purpose};

const MARK: &str = "sealed:1:";

/// A key that signs seals. Prints its name only.
pub(crate) struct RecordKey {
    public: PublicKey,
    pair: EcdsaKeyPair,
}

/// What proves its signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicKey {
    pub(crate) kid: String,
    point: Vec<u8>,
}

impl RecordKey {
    /// Makes one; also its private half, sealed.
    pub(crate) fn generate(keys: &Keys) -> Result<(Self, String)> {
        let made = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
        let made = made.and_then(|pair| pair.to_pkcs8v1()).map_err(Error::internal)?;
        let key = Self::of_pkcs8(made.as_ref())?;
        let whole = aead::seal(&cipher(keys)?, &of(&key.public.kid), made.as_ref())?;
        Ok((key, format!("{MARK}{}", STANDARD_NO_PAD.encode(whole))))
    }

    /// Opens a private half that was sealed; `None` where it is sealed under another key, or is another's.
    pub(crate) fn open(keys: &Keys, kid: &str, private: &str) -> Result<Option<Self>> {
        let cipher = cipher(keys)?;
        let sealed = private.strip_prefix(MARK).and_then(|text| STANDARD_NO_PAD.decode(text).ok());
        let pkcs8 = sealed.and_then(|sealed| aead::open(&cipher, &of(kid), &sealed));
        let Some(pkcs8) = pkcs8 else { return Ok(None) };
        Self::of_pkcs8(&pkcs8).map(|key| (key.public.kid == kid).then_some(key))
    }

    /// What proves its signatures.
    pub(crate) fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs: the 64 bytes of ES256.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let signed = self.pair.sign(&SystemRandom::new(), message).map_err(Error::internal)?;
        Ok(signed.as_ref().to_vec())
    }

    fn of_pkcs8(der: &[u8]) -> Result<Self> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
            .map_err(Error::internal)?;
        let point = pair.public_key().as_ref().to_vec();
        let (x, y) = coordinates(&point);
        Ok(Self { public: PublicKey { kid: thumbprint(&x, &y), point }, pair })
    }
}

impl PublicKey {
    /// Reads a JWK; `None` where it is none of P-256.
    pub(crate) fn of_jwk(jwk: &Value) -> Option<Self> {
        let member = |name: &str| jwk.get(name).and_then(Value::as_str);
        let coordinate = |name: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(member(name)?).ok()?;
            (bytes.len() == 32).then_some(bytes)
        };
        let p256 = (member("kty"), member("crv")) == (Some("EC"), Some("P-256"));
        let (x, y) = (coordinate("x")?, coordinate("y")?);
        // What stands there is not believed: a key's name follows from the key.
        let kid = thumbprint(member("x")?, member("y")?);
        p256.then(|| Self { kid, point: [vec![4], x, y].concat() })
    }

    /// As a JWK (RFC 7517).
    pub(crate) fn jwk(&self) -> Value {
        let (x, y) = coordinates(&self.point);
        json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "sig", "alg": "ES256", "kid": self.kid })
    }

    /// Whether its private half signed this.
    pub(crate) fn proves(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &self.point)
            .verify(message, signature)
            .is_ok()
    }
}

impl fmt::Debug for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordKey({})", self.public.kid)
    }
}

fn cipher(keys: &Keys) -> Result<LessSafeKey> {
    let key = UnboundKey::new(&AES_256_GCM, &keys.get(Purpose::Record)?);
    key.map(LessSafeKey::new).map_err(Error::internal)
}

fn of(kid: &str) -> String {
    format!("audit_key|{kid}")
}

/// Of an uncompressed point: 4, then x and y of 32 bytes each.
fn coordinates(point: &[u8]) -> (String, String) {
    let both = point.strip_prefix(&[4]).unwrap_or_default();
    let (x, y) = both.split_at_checked(32).unwrap_or_default();
    (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y))
}

/// The members that RFC 7638 names, in its order.
fn thumbprint(x: &str, y: &str) -> String {
    let thumb = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    URL_SAFE_NO_PAD.encode(digest(&SHA256, thumb.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(byte: u8) -> Keys {
        Keys::of_root([byte; 32]).expect("keys")
    }

    #[test]
    fn a_key_opens_under_its_own_name_with_the_data_key_that_sealed_it() {
        let (keys, others) = (keys(7), keys(8));
        let (key, private) = RecordKey::generate(&keys).expect("a key");
        let kid = key.public().kid.clone();
        let open = |keys: &Keys, kid: &str, private: &str| {
            RecordKey::open(keys, kid, private).expect("judged").map(|key| key.public)
        };
        assert_eq!(open(&keys, &kid, &private).as_ref(), Some(key.public()));
        assert_eq!(open(&others, &kid, &private), None);
        assert_eq!(open(&keys, "another", &private), None);
        for torn in [
            "",
            "sealed:1:",
            "sealed:1:AAAA",
            &format!("{private}AAAA"),
            &private.replace(MARK, ""),
        ] {
            assert_eq!(open(&keys, &kid, torn), None, "{torn}");
        }
        assert!(RecordKey::generate(&Keys::default()).is_err());
        assert_eq!(format!("{key:?}"), format!("RecordKey({kid})"));
    }

    #[test]
    fn its_public_half_proves_what_it_signed_and_nothing_else() {
        let (key, _) = RecordKey::generate(&keys(7)).expect("a key");
        let (other, _) = RecordKey::generate(&keys(7)).expect("a key");
        let jwk = key.public().jwk();
        let public = PublicKey::of_jwk(&jwk).expect("P-256");
        assert_eq!(&public, key.public());
        let signature = key.sign(b"a seal").expect("signed");
        assert_eq!(signature.len(), 64);
        assert!(public.proves(b"a seal", &signature));
        assert!(!public.proves(b"another", &signature));
        assert!(!other.public().proves(b"a seal", &signature));
        let mut lying = jwk.clone();
        lying["kid"] = "mine".into();
        assert_eq!(PublicKey::of_jwk(&lying).expect("P-256").kid, public.kid);
        for (member, value) in [("kty", "RSA"), ("x", "AAAA"), ("y", "?")] {
            let mut wrong = jwk.clone();
            wrong[member] = value.into();
            assert_eq!(PublicKey::of_jwk(&wrong), None, "{member}");
        }
    }
}
