//! A request off the wire, or out of a bundle, as the handlers take it.

use bytes::Bytes;
use canonical_model::{Error, IssueCode, Kind, Resource, Result};
use domain::{IdempotencyKey, Request};
use http::{HeaderMap, header};
use search::query::{Handling, Pair};

use crate::answer::Return;
use crate::conditions::{Conditions, parse_date};
use crate::format::{Format, is_json};

/// A request with its parts read.
#[derive(Debug)]
pub(crate) struct WireRequest {
    /// Who asks.
    pub(crate) request: Request,
    /// The query's parameters; for `_search` by POST, the form's too.
    pub(crate) pairs: Vec<Pair>,
    /// The query as it was sent, for the audit record.
    pub(crate) query: Option<String>,
    pub(crate) conditions: Conditions,
    pub(crate) wish: Return,
    pub(crate) handling: Handling,
    pub(crate) format: Format,
    pub(crate) content_type: Option<String>,
    /// The `Accept` header, for raw Binary content.
    pub(crate) accept: Option<String>,
    pub(crate) body: Body,
}

/// A body: bytes from the wire, or a resource that a bundle carried.
#[derive(Debug)]
pub(crate) enum Body {
    Bytes(Bytes),
    Parsed(Box<Resource>),
}

impl WireRequest {
    /// The body as a resource.
    pub(crate) fn resource(&mut self) -> Result<Resource> {
        match std::mem::replace(&mut self.body, Body::Bytes(Bytes::new())) {
            Body::Parsed(resource) => Ok(*resource),
            Body::Bytes(bytes) => {
                expect_json(self.content_type.as_deref())?;
                if bytes.is_empty() {
                    return Err(Error::invalid(
                        "The body is empty; a resource in JSON is expected.",
                    )
                    .code(IssueCode::Structure));
                }
                Resource::parse(&bytes)
            }
        }
    }
}

/// Only FHIR JSON is read here, in UTF-8.
pub(crate) fn expect_json(content_type: Option<&str>) -> Result<()> {
    let Some(name) = content_type else {
        return Err(unsupported("Content-Type is missing: send application/fhir+json."));
    };
    if !is_json(name) {
        return Err(unsupported("This server reads JSON here: send application/fhir+json."));
    }
    let charset = name.split(';').skip(1).find_map(|p| p.trim().strip_prefix("charset="));
    match charset {
        Some(charset) if !charset.trim_matches('"').eq_ignore_ascii_case("utf-8") => {
            Err(unsupported("FHIR JSON is UTF-8: send charset=utf-8 or none."))
        }
        _ => Ok(()),
    }
}

pub(crate) fn unsupported(text: &str) -> Error {
    Error::new(Kind::UnsupportedMediaType, text)
}

/// A header's text; a header that is not text is refused.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>> {
    headers
        .get(name)
        .map(|value| value.to_str().map_err(|_| Error::invalid(format!("{name}: not plain text"))))
        .transpose()
}

pub(crate) fn conditions(headers: &HeaderMap) -> Result<Conditions> {
    let own = |name: &str| text(headers, name).map(|value| value.map(str::to_owned));
    Ok(Conditions {
        if_match: own("if-match")?,
        if_none_match: own("if-none-match")?,
        if_none_exist: own("if-none-exist")?,
        // An unreadable date is ignored, as RFC 9110 section 13.1.3 demands.
        if_modified_since: text(headers, "if-modified-since")?.and_then(parse_date),
    })
}

/// `Prefer`. Several headers and several preferences in one are alike.
pub(crate) fn preferences(headers: &HeaderMap) -> (Return, Handling) {
    let (mut wish, mut handling) = (Return::default(), Handling::default());
    let all = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    for preference in all.flat_map(|value| value.split([',', ';'])).map(str::trim) {
        match preference.to_ascii_lowercase().as_str() {
            "return=minimal" => wish = Return::Minimal,
            "return=representation" => wish = Return::Representation,
            "return=operationoutcome" => wish = Return::Outcome,
            "handling=strict" => handling = Handling::Strict,
            "handling=lenient" => handling = Handling::Lenient,
            _ => {}
        }
    }
    (wish, handling)
}

/// `Idempotency-Key`, bound to what is asked.
pub(crate) fn idempotency(
    headers: &HeaderMap,
    path: &str,
    query: &str,
    body: &[u8],
) -> Result<Option<IdempotencyKey>> {
    let condition = text(headers, "if-none-exist")?.unwrap_or_default();
    text(headers, "idempotency-key")?
        .map(|key| {
            let parts = [path.as_bytes(), query.as_bytes(), condition.as_bytes(), body];
            IdempotencyKey::new(key, &parts)
        })
        .transpose()
}

pub(crate) fn content_type(headers: &HeaderMap) -> Result<Option<String>> {
    text(headers, header::CONTENT_TYPE.as_str()).map(|value| value.map(str::to_owned))
}
