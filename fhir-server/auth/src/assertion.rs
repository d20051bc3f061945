//! A client that proves itself by a key: a short JWT of its own, good once (RFC 7523).
//! <https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html>

use canonical_model::{Error, Kind};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use tracing::info;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::client::Client;
use crate::cookie::digest;
use crate::form::Form;
use crate::limits::{ASSERTION_S_MAX, JTI_BYTES_MAX, LEEWAY_S, RSA_BYTES_MIN};
use crate::refusal::Refusal;
use crate::state::Parts;

/// The one type of assertions.
const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: i64,
    jti: String,
    #[serde(default)]
    nbf: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Whether the form proves its client so.
pub(crate) fn is_sent(form: &Form<'_>) -> bool {
    form.get("client_assertion").is_some() || form.get("client_assertion_type").is_some()
}

/// The client that the assertion of a form is of: as yet only what it says itself.
pub(crate) fn named(form: &Form<'_>) -> Result<String, Refusal> {
    let body = sent(form)?.split('.').nth(1).unwrap_or_default();
    let claims = BASE64_URL_SAFE_NO_PAD.decode(body).ok();
    let claims = claims.and_then(|text| serde_json::from_slice::<Claims>(&text).ok());
    let Some(claims) = claims else {
        return refused("it has not the claims iss, sub, aud, exp and jti");
    };
    match form.get("client_id") {
        Some(id) if id != claims.iss => refused("the form names another client"),
        _ => Ok(claims.iss),
    }
}

fn sent<'a>(form: &'a Form<'_>) -> Result<&'a str, Refusal> {
    if form.get("client_assertion_type") != Some(TYPE) {
        return Err(Refusal::InvalidRequest(
            "client_assertion_type must be urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ));
    }
    form.get("client_assertion").ok_or(Refusal::InvalidRequest("client_assertion is missing"))
}

/// Whether the assertion proves this client; then it is used up.
pub(crate) async fn prove(auth: &Parts, client: &Client, form: &Form<'_>) -> Result<(), Refusal> {
    let token = sent(form)?;
    let header = decode_header(token).map_err(|_| invalid("it is no JWT"))?;
    if !matches!(header.alg, Algorithm::RS384 | Algorithm::ES384) {
        return refused("it must be signed by RS384 or ES384");
    }
    if header.typ.as_deref().is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) {
        return refused("its typ must be JWT");
    }
    let Some(kid) = header.kid.as_deref() else { return refused("its header has no kid") };
    let Some(keys) = client.keys() else { return refused("the client is registered without keys") };
    if header.jku.as_deref().is_some_and(|url| keys.url() != Some(url)) {
        return refused("its jku is not the registered URL");
    }
    let found = auth.client_keys.find(&client.id, keys, kid).await?;
    let Some(key) = found.filter(|key| fits(key, header.alg)) else {
        return refused("the client has no such key: look at kid, kty and the size");
    };
    let key = DecodingKey::from_jwk(&key).map_err(|_| invalid("the key cannot be used"))?;
    let mut validation = Validation::new(header.alg);
    validation.set_required_spec_claims(&["exp"]);
    // Judged below, by the injected clock.
    validation.validate_exp = false;
    validation.validate_aud = false;
    let claims = decode::<Claims>(token, &key, &validation);
    let claims = claims.map_err(|_| invalid("its signature is not of the registered key"))?.claims;
    judge(auth, client, &claims)?;
    let Some(people) = &auth.people else { return Err(Refusal::Unavailable) };
    let jti = digest(b"jti", claims.jti.as_bytes());
    let left_s = claims.exp.saturating_sub(auth.clock.seconds()).saturating_add(LEEWAY_S);
    let left_s = i32::try_from(left_s).unwrap_or(i32::MAX);
    match people.store.use_assertion(&client.id, &jti, left_s.max(1)).await? {
        true => Ok(()),
        false => refused("it was used before: each needs a jti of its own"),
    }
}

fn judge(auth: &Parts, client: &Client, claims: &Claims) -> Result<(), Refusal> {
    let now_s = auth.clock.seconds();
    let here = auth.endpoints.token();
    let meant = match &claims.aud {
        Audience::One(aud) => *aud == here,
        Audience::Many(all) => all.contains(&here),
    };
    match claims {
        _ if claims.iss != client.id || claims.sub != client.id => {
            refused("its iss and sub must both be the client's id")
        }
        _ if !meant => refused("its aud must be the URL of the token endpoint"),
        _ if claims.exp.saturating_add(LEEWAY_S) <= now_s => refused("it has expired"),
        _ if claims.exp > now_s + ASSERTION_S_MAX + LEEWAY_S => {
            refused("its exp is more than five minutes away")
        }
        _ if claims.nbf.is_some_and(|nbf| nbf > now_s + LEEWAY_S) => refused("it is not valid yet"),
        _ if claims.jti.is_empty() || claims.jti.len() > JTI_BYTES_MAX => {
            refused("its jti must have 1 to 256 bytes")
        }
        _ => Ok(()),
    }
}

/// Whether a key is of the algorithm, and long enough.
fn fits(key: &Jwk, alg: Algorithm) -> bool {
    match (&key.algorithm, alg) {
        (AlgorithmParameters::EllipticCurve(point), Algorithm::ES384) => {
            point.curve == EllipticCurve::P384
        }
        (AlgorithmParameters::RSA(rsa), Algorithm::RS384) => {
            let n = BASE64_URL_SAFE_NO_PAD.decode(&rsa.n).unwrap_or_default();
            n.len() >= RSA_BYTES_MIN
        }
        _ => false,
    }
}

/// Says in the log which it was, and to the client what to look at.
fn invalid(why: &'static str) -> Refusal {
    info!(why, "A client's assertion was refused.");
    Refusal::WrongAssertion(why)
}

fn refused<T>(why: &'static str) -> Result<T, Refusal> {
    Err(invalid(why))
}

impl From<outbound::Fault> for Refusal {
    fn from(fault: outbound::Fault) -> Self {
        let text = "The client's keys cannot be fetched from its jwks_url";
        Self::from(Error::new(Kind::Unavailable, text).caused_by(fault))
    }
}
