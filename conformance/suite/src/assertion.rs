//! A client's assertion: a JWT by its private key, good or with one fault.
//! <https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html>

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow, bail};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, RSA_PKCS1_SHA384,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use crate::case::AssertionOf;
use crate::limits::ASSERTION_LIFE_S;
use crate::variables::Variables;

const ES384: &EcdsaSigningAlgorithm = &ECDSA_P384_SHA384_FIXED_SIGNING;

/// A private key, by its algorithm.
enum Key {
    Rs384(RsaKeyPair),
    Es384(EcdsaKeyPair),
}

/// The assertion as a step asks for it. The variables `key_client`, `key_id`, `token_endpoint` and the key itself,
/// `key_rs384` or `key_es384` (PEM, PKCS #8), say of whom. The key is published as `key_id` with the algorithm in
/// small letters behind: `mine_es384`.
pub(crate) fn sign(asked: &AssertionOf, variables: &Variables) -> Result<String> {
    let set = |name: &str| variables.get(name).with_context(|| format!("{name} is not set"));
    let small = asked.alg.to_lowercase();
    let key = match asked.foreign {
        true => Key::foreign(&asked.alg)?,
        false => Key::read(&asked.alg, set(&format!("key_{small}"))?)?,
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let mut claims = Map::new();
    let client = set("key_client")?;
    claims.insert("iss".into(), client.into());
    claims.insert("sub".into(), client.into());
    claims.insert("aud".into(), set("token_endpoint")?.into());
    claims.insert("exp".into(), (now + ASSERTION_LIFE_S - 5).into());
    claims.insert("jti".into(), random()?.into());
    for (name, value) in &asked.claims {
        depart(&mut claims, name, value, now, variables)?;
    }
    let usual = format!("{}_{small}", set("key_id")?);
    let kid = asked.kid.as_ref().map_or(Ok(usual), |kid| variables.fill(kid))?;
    let header = json!({ "alg": asked.alg, "typ": "JWT", "kid": kid });
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!("{}.{}", part(&header), part(&claims.into()));
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes())?);
    Ok(format!("{signed}.{signature}"))
}

impl Key {
    fn read(alg: &str, pem: &str) -> Result<Self> {
        let text: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let der = STANDARD.decode(text.trim()).context("a key is no PEM")?;
        let rejected = |_| anyhow!("the key for {alg} is not of its kind, or not PKCS #8");
        Ok(match alg {
            "RS384" => Self::Rs384(RsaKeyPair::from_pkcs8(&der).map_err(rejected)?),
            "ES384" => Self::Es384(EcdsaKeyPair::from_pkcs8(ES384, &der).map_err(rejected)?),
            other => bail!("assertions are signed RS384 or ES384, not {other}"),
        })
    }

    /// One that nobody registered.
    fn foreign(alg: &str) -> Result<Self> {
        Ok(match alg {
            "RS384" => Self::Rs384(RsaKeyPair::generate(KeySize::Rsa2048)?),
            _ => Self::Es384(EcdsaKeyPair::generate(ES384)?),
        })
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let random = SystemRandom::new();
        Ok(match self {
            Self::Rs384(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA384, &random, message, &mut signature)?;
                signature
            }
            Self::Es384(key) => key.sign(&random, message)?.as_ref().to_vec(),
        })
    }
}

/// Replaces or removes a claim. A number of a time is from now, in seconds.
fn depart(
    claims: &mut Map<String, Value>,
    name: &str,
    value: &Value,
    now: u64,
    variables: &Variables,
) -> Result<()> {
    let value = match value {
        Value::String(text) if text.is_empty() => {
            claims.remove(name);
            return Ok(());
        }
        Value::String(text) => Value::String(variables.fill(text)?),
        Value::Number(seconds) => {
            let seconds = seconds.as_i64().context("a time is a whole number")?;
            now.saturating_add_signed(seconds).into()
        }
        other => other.clone(),
    };
    claims.insert(name.to_owned(), value);
    Ok(())
}

/// 192 random bits in letters that fit anywhere.
pub(crate) fn random() -> Result<String> {
    let mut bytes = [0_u8; 24];
    aws_lc_rs::rand::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
