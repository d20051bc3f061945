//! The authorization code grant: a code for a token, once.
//! <https://hl7.org/fhir/smart-app-launch/app-launch.html#obtain-access-token>

use axum::Json;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use canonical_model::Result as Outcome;
use serde_json::{Map, Value, json};
use store::{Approval, AuditAction, Exchange, Exchanged};

use crate::claims::{Claims, GenerationsClaim};
use crate::client::Client;
use crate::cookie::{digest, sha256};
use crate::limits::{APP_TOKEN_S, VERIFIER_BYTES_MAX, VERIFIER_BYTES_MIN};
use crate::record::Said;
use crate::refusal::{NO_STORE, Refusal};
use crate::state::Parts;
use crate::token::Asking;

/// Answers a token request by a code.
pub(crate) async fn exchange(asking: &Asking<'_>) -> Result<Response, Refusal> {
    let Asking { auth, client, form, headers, address } = *asking;
    let Some(people) = &auth.people else { return Err(Refusal::UnsupportedGrantType) };
    let sent = |name: &str, why: &'static str| form.get(name).ok_or(Refusal::InvalidRequest(why));
    let code = sent("code", "code is missing")?;
    let redirect = sent("redirect_uri", "redirect_uri is missing")?;
    let verifier = sent("code_verifier", "code_verifier is missing")?;
    let said = Said::new(auth, headers, address, AuditAction::Token).client(&client.id);
    let challenge = challenge(verifier).ok_or(Refusal::InvalidGrant(WRONG))?;
    let code = BASE64_URL_SAFE_NO_PAD.decode(code).map_err(|_| Refusal::InvalidGrant(WRONG))?;
    let digest = digest(b"code", &code);
    let asked = Exchange { digest: &digest, client: &client.id, redirect, challenge: &challenge };
    let approval = match people.store.exchange(&asked).await? {
        Exchanged::Approval(approval) => approval,
        Exchanged::Unknown => {
            said.status(400).detail("authorization_code: refused".to_owned()).record().await?;
            return Err(Refusal::InvalidGrant(WRONG));
        }
        Exchanged::UsedBefore => {
            let detail = "authorization_code: used before, so the authorization is over";
            said.status(400).detail(detail.to_owned()).record().await?;
            return Err(Refusal::InvalidGrant(WRONG));
        }
    };
    let claims = claims(auth, client, &approval)?;
    let answer = answer(auth, &claims)?;
    let said = said.person(&approval.sub, approval.fhir_user.as_deref()).token(&claims.jti);
    said.detail(format!("authorization_code: {}", claims.scope)).record().await?;
    Ok((NO_STORE, Json(answer)).into_response())
}

/// Whatever it was: who has a code of another learns no more.
const WRONG: &str =
    "The code is unknown, used, too old, or of another client, redirect_uri or code_verifier";

/// What an app is given for an authorization.
fn claims(auth: &Parts, client: &Client, approval: &Approval) -> Outcome<Claims> {
    let life_s = APP_TOKEN_S.min(approval.left_s);
    let (sub, scope) = (approval.sub.clone(), approval.scopes.clone());
    Ok(Claims {
        patient: approval.patient.clone(),
        fhir_user: approval.fhir_user.clone(),
        roles: approval.roles.clone(),
        orgs: approval.orgs.clone(),
        pou: approval.purpose.clone(),
        grant: Some(approval.approval),
        generations: GenerationsClaim { account: approval.generation, client: 0 },
        ..Claims::new(auth, client, sub, scope, life_s)?
    })
}

fn answer(auth: &Parts, claims: &Claims) -> Outcome<Value> {
    let mut answer = Map::new();
    let mut put = |name: &str, value: Value| drop(answer.insert(name.to_owned(), value));
    put("access_token", json!(claims.signed(auth)?));
    put("token_type", json!("Bearer"));
    put("expires_in", json!(claims.exp - claims.iat));
    put("scope", json!(claims.scope));
    if let Some(patient) = &claims.patient {
        put("patient", json!(patient));
        // The app stands by itself: nothing of ours around it says whom it shows.
        put("need_patient_banner", json!(true));
    }
    Ok(Value::Object(answer))
}

/// The challenge that a verifier answers (RFC 7636, S256).
fn challenge(verifier: &str) -> Option<String> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let fits = (VERIFIER_BYTES_MIN..=VERIFIER_BYTES_MAX).contains(&verifier.len());
    let fits = fits && verifier.bytes().all(legal);
    fits.then(|| BASE64_URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let expected = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert_eq!(challenge(verifier).as_deref(), Some(expected));
        for wrong in ["", "short", &"a".repeat(129), &format!("{verifier} "), &"ä".repeat(30)] {
            assert_eq!(challenge(wrong), None, "{wrong}");
        }
    }
}
