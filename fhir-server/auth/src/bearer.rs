//! The bearer token of a request (RFC 6750), and the challenge of a refusal.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};
use canonical_model::{Error, IssueCode, Kind, Result};

use crate::limits::TOKEN_BYTES_MAX;

/// The token of the `Authorization` header.
///
/// # Errors
/// 401 where there is none, more than one, or something else than one bearer token.
pub fn bearer(headers: &HeaderMap) -> Result<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (Some(value), None) => value,
        (None, _) => {
            let how = "Send `Authorization: Bearer` with a token of the token endpoint";
            return Err(Error::new(Kind::Unauthorized, how));
        }
        (Some(_), Some(_)) => return Err(refused("Send one Authorization header, not several")),
    };
    let Some((scheme, token)) = value.to_str().ok().and_then(|text| text.split_once(' ')) else {
        return Err(refused("The Authorization header is `Bearer`, a space, and the token"));
    };
    if !scheme.eq_ignore_ascii_case("bearer") {
        let how = "This needs `Authorization: Bearer`, not another scheme";
        return Err(Error::new(Kind::Unauthorized, how));
    }
    let token = token.trim_start_matches(' ');
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
    if !(1..=TOKEN_BYTES_MAX).contains(&token.len()) || !token.bytes().all(legal) {
        return Err(refused("The token has illegal characters or is too long"));
    }
    Ok(token)
}

/// Refuses a token in the query: it would stay in logs, histories and referrers.
///
/// # Errors
/// 400 where there is one, however its name is escaped.
pub fn refuse_token_in_query(query: Option<&str>) -> Result<()> {
    let mut names = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    if names.any(|(name, _)| name == "access_token") {
        let how =
            "access_token: send the token in the Authorization header; treat this one as leaked";
        return Err(Error::invalid(how).code(IssueCode::Security));
    }
    Ok(())
}

/// The `WWW-Authenticate` header that goes with an error; `None` for errors that need none.
#[must_use]
pub fn challenge(error: &Error) -> Option<HeaderValue> {
    let code = error.issues.first().map(|issue| issue.code);
    match error.kind {
        // Nobody tried to sign in: RFC 6750, section 3.1 wants no error code then.
        Kind::Unauthorized if code == Some(IssueCode::Login) => {
            Some(HeaderValue::from_static("Bearer realm=\"fhir\""))
        }
        Kind::Unauthorized => {
            Some(HeaderValue::from_static("Bearer realm=\"fhir\", error=\"invalid_token\""))
        }
        Kind::Forbidden => {
            Some(HeaderValue::from_static("Bearer realm=\"fhir\", error=\"insufficient_scope\""))
        }
        _ => None,
    }
}

pub(crate) fn refused(diagnostics: &str) -> Error {
    Error::new(Kind::Unauthorized, diagnostics).code(IssueCode::Security)
}
