//! A request off the wire, or out of a bundle, as the handlers take it.

use std::borrow::Cow;

use bytes::Bytes;
use canonical_model::{Blob, Error, IssueCode, Kind, Resource, Result};
use conformance::xml;
use domain::{IdempotencyKey, Request};
use http::{HeaderMap, Method, header};
use search::query::{Handling, Pair, parse_pairs};

use crate::answer::Return;
use crate::conditions::{Conditions, parse_date};
use crate::format::Format;
use crate::media_type::MediaType;
use crate::syntax::Syntax;

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
    pub(crate) view: View,
    /// The part that is wanted of a Binary's own content.
    pub(crate) range: Option<String>,
    pub(crate) body: Body,
}

/// How a Binary is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// As a resource.
    Resource,
    /// As a resource within a bundle: without content that is kept beside it.
    Entry,
    /// As its own content.
    Raw,
}

/// A body: bytes from the wire, a resource that a bundle carried, or a Binary's content that is stored.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Bytes(Bytes),
    Stored(Blob),
    Parsed(Box<Resource>),
}

impl Body {
    /// Whether nothing was sent.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::Bytes(bytes) if bytes.is_empty())
    }
}

impl WireRequest {
    /// The body as a resource.
    pub(crate) fn resource(&mut self) -> Result<Resource> {
        match std::mem::replace(&mut self.body, Body::Bytes(Bytes::new())) {
            Body::Parsed(resource) => Ok(*resource),
            Body::Stored(_) => Err(Error::internal("content where a resource is expected")),
            Body::Bytes(bytes) => {
                let syntax = syntax_of(self.content_type.as_deref())?;
                if bytes.is_empty() {
                    let text = "The body is empty; a resource is expected.";
                    return Err(Error::invalid(text).code(IssueCode::Structure));
                }
                match syntax {
                    Syntax::Json => Resource::parse(&bytes),
                    Syntax::Xml => xml::read(&bytes),
                }
            }
        }
    }
}

/// The media type of a search that is sent by POST.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// What a body is written in: FHIR's JSON or XML, in UTF-8.
pub(crate) fn syntax_of(content_type: Option<&str>) -> Result<Syntax> {
    let Some(name) = content_type else {
        return Err(unsupported(
            "Content-Type is missing: send application/fhir+json or application/fhir+xml.",
        ));
    };
    let media_type = MediaType::read(name);
    let Some(syntax) = media_type.syntax() else {
        return Err(unsupported(
            "This server reads JSON and XML of R4 here: send application/fhir+json or application/fhir+xml.",
        ));
    };
    match media_type.parameter("charset") {
        Some(charset) if !charset.eq_ignore_ascii_case("utf-8") => {
            Err(unsupported("FHIR is read in UTF-8 here: send charset=utf-8 or none."))
        }
        _ => Ok(syntax),
    }
}

pub(crate) fn unsupported(text: &str) -> Error {
    Error::new(Kind::UnsupportedMediaType, text)
}

/// Headers that are lists: several of one name are one.
const LISTS: [&str; 4] = ["accept", "content-encoding", "if-match", "if-none-match"];

/// A header's text. One that is not text is refused, and one that comes twice and is no list:
/// which of the two was meant would be a guess. <https://www.rfc-editor.org/rfc/rfc9110#section-5.3>
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<Cow<'a, str>>> {
    let mut all = headers
        .get_all(name)
        .iter()
        .map(|value| value.to_str().map_err(|_| Error::invalid(format!("{name}: not plain text"))));
    let Some(first) = all.next() else { return Ok(None) };
    let mut text = Cow::Borrowed(first?);
    for more in all {
        if !LISTS.contains(&name) {
            return Err(Error::invalid(format!("{name}: send it once")));
        }
        text = Cow::Owned(format!("{text},{}", more?));
    }
    Ok(Some(text))
}

pub(crate) fn conditions(headers: &HeaderMap) -> Result<Conditions> {
    let own = |name: &str| text(headers, name).map(|value| value.map(Cow::into_owned));
    Ok(Conditions {
        if_match: own("if-match")?,
        if_none_match: own("if-none-match")?,
        if_none_exist: own("if-none-exist")?,
        // An unreadable date is ignored, as RFC 9110 section 13.1.3 demands.
        if_modified_since: text(headers, "if-modified-since")?.as_deref().and_then(parse_date),
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
    method: &Method,
    path: &str,
    query: &str,
    body: &Body,
) -> Result<Option<IdempotencyKey>> {
    let condition = text(headers, "if-none-exist")?.unwrap_or_default();
    let media_type = text(headers, header::CONTENT_TYPE.as_str())?.unwrap_or_default();
    text(headers, "idempotency-key")?
        .map(|key| {
            // Keys were of POST alone once, and are kept for a day.
            let method = if *method == Method::POST { None } else { Some(method.as_str()) };
            let texts = [path, query, &condition, &media_type];
            let content = match body {
                Body::Bytes(bytes) => bytes.as_ref(),
                Body::Stored(blob) => blob.sha256.as_slice(),
                Body::Parsed(_) => &[],
            };
            let parts: Vec<&[u8]> =
                texts.into_iter().chain(method).map(str::as_bytes).chain([content]).collect();
            IdempotencyKey::new(&key, &parts)
        })
        .transpose()
}

pub(crate) fn content_type(headers: &HeaderMap) -> Result<Option<String>> {
    text(headers, header::CONTENT_TYPE.as_str()).map(|value| value.map(Cow::into_owned))
}

/// The parameters of a search that came as a form, beside those of the query.
pub(crate) fn form(content_type: Option<&str>, body: &[u8]) -> Result<Vec<Pair>> {
    if body.is_empty() {
        return Ok(Vec::new());
    }
    let media_type = MediaType::read(content_type.unwrap_or_default());
    if media_type.name != FORM {
        return Err(unsupported("Send a search as application/x-www-form-urlencoded."));
    }
    let text = std::str::from_utf8(body).map_err(|_| Error::invalid("The form is not UTF-8."))?;
    parse_pairs(text)
}
