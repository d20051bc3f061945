//! The form of a token request, and the client's credentials in it (RFC 6749, sections 2.3 and 3.2).

use std::borrow::Cow;

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::limits::FORM_PARAMETERS_MAX;
use crate::refusal::Refusal;
use crate::secret::Secret;

/// The parameters of a token request. Not `Debug`: it holds secrets.
pub(crate) struct Form<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Form<'a> {
    /// Reads a body. A parameter without a value counts as left out.
    pub(crate) fn read(headers: &HeaderMap, body: &'a [u8]) -> Result<Self, Refusal> {
        let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media = media.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
        if !media.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Refusal::InvalidRequest("Send application/x-www-form-urlencoded"));
        }
        let mut parameters: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
        for (name, value) in form_urlencoded::parse(body) {
            if parameters.len() == FORM_PARAMETERS_MAX {
                return Err(Refusal::InvalidRequest("Too many parameters"));
            }
            if parameters.iter().any(|(have, _)| *have == name) {
                return Err(Refusal::InvalidRequest("A parameter is there twice"));
            }
            parameters.push((name, value));
        }
        parameters.retain(|(_, value)| !value.is_empty());
        Ok(Self(parameters))
    }

    /// A parameter's value.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(have, _)| have == name).map(|(_, value)| &**value)
    }
}

/// Who the client says it is.
pub(crate) struct Credentials {
    pub(crate) client_id: String,
    /// None where the client says only who it is.
    pub(crate) secret: Option<Secret>,
}

impl Credentials {
    /// Finds them in the header or in the form, never in both.
    pub(crate) fn find(headers: &HeaderMap, form: &Form<'_>) -> Result<Self, Refusal> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let basic = match (values.next(), values.next()) {
            (None, _) => None,
            (Some(value), None) => {
                let read = value.to_str().ok().and_then(read_basic);
                Some(read.ok_or(Refusal::InvalidClient("The Authorization header is not Basic"))?)
            }
            _ => return Err(Refusal::InvalidRequest("Send one Authorization header")),
        };
        match (basic, form.get("client_id"), form.get("client_secret")) {
            (Some(_), _, Some(_)) => Err(Refusal::InvalidRequest(
                "Send the secret in the header or in the form, not both",
            )),
            (Some(basic), Some(id), None) if basic.client_id != id => {
                Err(Refusal::InvalidRequest("The header and the form name different clients"))
            }
            (Some(basic), _, None) => Ok(basic),
            (None, Some(id), secret) => {
                let secret = secret.map(|secret| Secret::new(secret.to_owned()));
                Ok(Self { client_id: id.to_owned(), secret })
            }
            (None, None, _) => {
                Err(Refusal::InvalidClient("Send the client's id and secret by HTTP Basic"))
            }
        }
    }
}

/// `Basic` of id and secret, each form-encoded first.
fn read_basic(value: &str) -> Option<Credentials> {
    let (scheme, coded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(BASE64_STANDARD.decode(coded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some(Credentials { client_id: unescape(id), secret: Some(Secret::new(unescape(secret))) })
}

/// Undoes form encoding of one value: made a form's only name, `&` and `=` in it kept.
fn unescape(coded: &str) -> String {
    let whole = coded.replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(whole.as_bytes()).map(|(name, _)| name.into_owned()).collect()
}
