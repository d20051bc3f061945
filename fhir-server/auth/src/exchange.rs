//! Tokens on behalf of a person: for a code, once, and for a refresh token, in a row.
//! <https://hl7.org/fhir/smart-app-launch/app-launch.html#obtain-access-token>

use access::Scopes;
use axum::Json;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use canonical_model::Error;
use store::{Approval, AuditAction, AuthTransaction, Exchange, Exchanged, Refresh, Refreshed};

use crate::client::Client;
use crate::cookie::{digest, sha256};
use crate::limits::{VERIFIER_BYTES_MAX, VERIFIER_BYTES_MIN};
use crate::people::People;
use crate::record::Said;
use crate::refresh_token::RefreshToken;
use crate::refusal::{NO_STORE, Refusal, Refused, wording};
use crate::state::Parts;
use crate::token::Asking;
use crate::tokens::Given;

/// Answers a token request by a code.
pub(crate) async fn exchange(asking: &Asking<'_>) -> Result<Response, Refused> {
    let Asking { auth, client, form, headers, address } = *asking;
    let Some(people) = &auth.people else { return Err(Refusal::UnsupportedGrantType.into()) };
    let sent = |name: &str, why: &'static str| form.get(name).ok_or(Refusal::InvalidRequest(why));
    let code = sent("code", "code is missing")?;
    let redirect = sent("redirect_uri", "redirect_uri is missing")?;
    let verifier = sent("code_verifier", "code_verifier is missing")?;
    let said = Said::new(auth, headers, address, AuditAction::Token).client(&client.id);
    let refused = || Refused::because(Refusal::InvalidGrant(WRONG), "refused");
    let challenge = challenge(verifier).ok_or_else(refused)?;
    let code = BASE64_URL_SAFE_NO_PAD.decode(code).map_err(|_| refused())?;
    let digest = digest(b"code", &code);
    let asked = Exchange { digest: &digest, client: &client.id, redirect, challenge: &challenge };
    let open = begin(auth, people).await?;
    let approval = match open.exchange(&asked).await? {
        Exchanged::Approval(approval) => approval,
        Exchanged::Unknown | Exchanged::UsedBefore { ended: false } => {
            open.commit().await?; // There was nothing to keep.
            return Err(refused());
        }
        Exchanged::UsedBefore { ended: true } => {
            let detail = "authorization_code: used before, so the authorization is over";
            said.status(400).detail(detail.to_owned()).record_in(&open).await?;
            open.commit().await?;
            return Err(Refused::recorded(Refusal::InvalidGrant(WRONG)));
        }
    };
    let token = RefreshToken::of(&approval, approval.seq)?;
    let scope = approval.scopes.clone();
    let given = Given { client, approval: &approval, scope, refresh: token, begins_s: None };
    give(auth, &given, open, said, "authorization_code").await
}

/// Begins what has a token given out, or an authorization ended, and the row that says so.
async fn begin(auth: &Parts, people: &People) -> canonical_model::Result<AuthTransaction> {
    // Whoever is in a transaction waits for no other session: so that key is there before.
    auth.keys.identity().await?;
    people.store.begin().await
}

/// Answers a token request by a refresh token.
/// <https://hl7.org/fhir/smart-app-launch/app-launch.html#refresh-access-token>
pub(crate) async fn refresh(asking: &Asking<'_>) -> Result<Response, Refused> {
    let Asking { auth, client, form, headers, address } = *asking;
    let Some(people) = &auth.people else { return Err(Refusal::UnsupportedGrantType.into()) };
    let sent = form.get("refresh_token");
    let sent = sent.ok_or(Refusal::InvalidRequest("refresh_token is missing"))?;
    let said = Said::new(auth, headers, address, AuditAction::Token).client(&client.id);
    let refused = |why| Err(Refused::because(Refusal::InvalidGrant(OVER), why));
    let Some(read) = auth.refresh.read(sent) else { return refused("made up") };
    let RefreshToken { approval, seq, salt } = &read;
    let (approval, seq, idles) = (*approval, *seq, client.own);
    let token = Refresh { approval, seq, salt, client: &client.id, idles };
    // A wrong scope must not use the token up.
    if form.get("scope").is_some()
        && let Some(approval) = people.store.refreshable(&token).await?
    {
        narrowed(client, &approval.scopes, form.get("scope"))?;
    }
    let open = begin(auth, people).await?;
    let renewed = match open.refresh(&token).await? {
        Refreshed::Approval(renewed) => renewed,
        Refreshed::Unknown => {
            open.commit().await?; // There was nothing to keep.
            return refused("over");
        }
        Refreshed::UsedBefore => {
            let detail = format!("refresh_token: used before, so authorization {approval} is over");
            said.status(400).detail(detail).record_in(&open).await?;
            open.commit().await?;
            return Err(Refused::recorded(Refusal::InvalidGrant(OVER)));
        }
    };
    let approval = &renewed.approval;
    let scope = narrowed(client, &approval.scopes, form.get("scope"))?;
    let refresh = RefreshToken { seq: renewed.seq, ..read };
    let begins_s = Some(renewed.rotated_s);
    let given = Given { client, approval, scope, refresh, begins_s };
    give(auth, &given, open, said, "refresh_token").await
}

/// Whatever it was: who has a token of another learns no more.
pub(crate) const OVER: &str =
    "The refresh token is unknown, over, or of another client; ask the user again";

/// What is asked of what was given; never more, nor more than the client may have by now. In the words of what is
/// asked.
fn narrowed(client: &Client, given: &str, asked: Option<&str>) -> Result<String, Refusal> {
    let refused = |error: Error| Refusal::InvalidScope(wording(&error).to_owned());
    let given = Scopes::parse(given).map_err(refused)?.narrowed_to(&client.scopes);
    let both = match asked {
        Some(asked) => Scopes::parse(asked).map_err(refused)?.narrowed_to(&given),
        None => given,
    };
    if both.is_empty() {
        let why = "None of these scopes was given, or the client may have none of them any more";
        return Err(Refusal::InvalidScope(why.to_owned()));
    }
    Ok(both.to_string())
}

async fn give(
    auth: &Parts,
    given: &Given<'_>,
    open: AuthTransaction,
    said: Said<'_>,
    by: &str,
) -> Result<Response, Refused> {
    let claims = given.claims(auth)?;
    let answer = given.answer(auth, &claims).await?;
    let Approval { sub, fhir_user, .. } = given.approval;
    let said = said.person(sub, fhir_user.as_deref()).token(&claims.jti);
    said.detail(format!("{by}: {}", claims.scope)).record_in(&open).await?;
    open.commit().await?;
    Ok((NO_STORE, Json(answer)).into_response())
}

/// Whatever it was: who has a code of another learns no more.
const WRONG: &str =
    "The code is unknown, used, too old, or of another client, redirect_uri or code_verifier";

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
