//! The keys that the suite signs with as a client, of the two algorithms that SMART names.
//! <https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html>

use anyhow::{Context, Result};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD as BASE64};
use serde_json::{Value, json};

use crate::Variables;

/// Makes a pair of keys for each algorithm: the private halves become the variables `key_id`,
/// `key_rs384` and `key_es384`; the public ones are returned, a JWKS for the client's registration.
///
/// # Errors
/// The system gives no random bytes.
pub fn client_keys(variables: &mut Variables) -> Result<Value> {
    variables.set("key_id", "mine");
    let elliptic = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING)?;
    variables.set("key_es384", pem(elliptic.to_pkcs8v1()?.as_ref()));
    // An uncompressed point: its first byte says so, then x and y.
    let point = elliptic.public_key().as_ref().get(1..).and_then(|both| both.split_at_checked(48));
    let (x, y) = point.context("a point of P-384 has two coordinates of 48 bytes")?;
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048)?;
    let der: Pkcs8V1Der<'_> = rsa.as_der()?;
    variables.set("key_rs384", pem(der.as_ref()));
    let public = rsa.public_key();
    let n = BASE64.encode(public.modulus().big_endian_without_leading_zero());
    let e = BASE64.encode(public.exponent().big_endian_without_leading_zero());
    Ok(json!({ "keys": [
        {
            "kty": "EC", "crv": "P-384", "x": BASE64.encode(x), "y": BASE64.encode(y),
            "kid": "mine_es384", "alg": "ES384",
        },
        { "kty": "RSA", "n": n, "e": e, "kid": "mine_rs384", "alg": "RS384" },
    ] }))
}

fn pem(der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
}
