//! An identity token taken apart: its signature held against the issuer's keys, then its header and claims as JSON.
//! <https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation>

use anyhow::{Context as _, Result, ensure};
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Client;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::case::Decode;
use crate::variables::Variables;

/// The token's parts, as the JSON of an answer: `header` and `claims`.
pub(crate) async fn decode(
    client: &Client,
    asked: &Decode,
    variables: &Variables,
) -> Result<Answer> {
    let token = variables.fill(&asked.token)?;
    let mut parts = token.split('.');
    let mut part = || parts.next().context("a token has three parts");
    let (header, claims, signature) = (part()?, part()?, part()?);
    let of = |part: &str| -> Result<Value> { Ok(serde_json::from_slice(&bytes(part)?)?) };
    let (head, body) = (of(header)?, of(claims)?);
    let response = client.get(variables.fill(&asked.keys)?).send().await?;
    let keys = Answer::read(response).await?.json().context("the keys are no JSON")?;
    let key = keys.pointer("/keys").and_then(Value::as_array).into_iter().flatten();
    let key = key.into_iter().find(|key| key.get("kid") == head.get("kid"));
    let key = key.context("no published key has the token's `kid`")?;
    let member = |name: &str| key.get(name).and_then(Value::as_str).unwrap_or_default();
    ensure!(head.get("alg") == Some(&Value::from("RS256")), "the algorithm is not RS256");
    let public = RsaPublicKeyComponents { n: bytes(member("n"))?, e: bytes(member("e"))? };
    let signed = format!("{header}.{claims}");
    let good = public.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &bytes(signature)?);
    ensure!(good.is_ok(), "the signature is not of the key that the token names");
    let body = json!({ "header": head, "claims": body }).to_string().into_bytes();
    Ok(Answer { status: 200, headers: HeaderMap::new(), body })
}

fn bytes(part: &str) -> Result<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).context("a part of the token or key is no base64url")
}
