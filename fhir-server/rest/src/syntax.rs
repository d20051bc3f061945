//! JSON or XML: which of the two a client wants, and answers in the one that is not kept.
//! <https://hl7.org/fhir/R4/http.html#mime-type>

use std::cmp::Reverse;

use canonical_model::json::{Layout, parse_own};
use canonical_model::{Error, Kind, Result};
use conformance::xml;

use crate::media_type::MediaType;

/// How FHIR is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Syntax {
    #[default]
    Json,
    Xml,
}

/// What of a request says which syntax is wanted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted<'a> {
    /// `_format`, which wins.
    pub(crate) format: Option<&'a str>,
    /// `Accept`.
    pub(crate) accept: Option<&'a str>,
    /// `Content-Type`: who sends XML and takes anything is answered in XML.
    pub(crate) sent: Option<&'a str>,
}

impl Syntax {
    /// The media type of answers.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/fhir+json; charset=utf-8",
            Self::Xml => "application/fhir+xml; charset=utf-8",
        }
    }

    /// What is wanted.
    ///
    /// # Errors
    /// NotAcceptable where it is none of FHIR's formats.
    pub(crate) fn of(wanted: &Wanted<'_>) -> Result<Self> {
        match (wanted.format, wanted.accept) {
            (Some(format), _) => {
                MediaType::read(format).syntax().ok_or_else(|| unknown().at("http._format"))
            }
            // What nearly all clients ask.
            (None, Some("application/fhir+json")) => Ok(Self::Json),
            (None, Some(accept)) => best(accept, || wanted.usual()).ok_or_else(unknown),
            (None, None) => Ok(wanted.usual()),
        }
    }
}

impl Wanted<'_> {
    /// The syntax of whoever takes any.
    fn usual(&self) -> Syntax {
        self.sent.and_then(|name| MediaType::read(name).syntax()).unwrap_or_default()
    }
}

fn unknown() -> Error {
    let text = "This server answers in JSON and XML: ask for application/fhir+json or application/fhir+xml.";
    Error::new(Kind::NotAcceptable, text)
}

/// The narrowness of a range that names one media type.
const NAMED: u8 = 2;

/// How well a range of an `Accept` header fits, best last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Fit {
    weight: u16,
    narrowness: u8,
    /// Its place in the header: the earlier the better, where a name is meant.
    place: Reverse<usize>,
}

/// The syntax that an `Accept` header prefers: of the ranges that take a syntax the narrowest counts, and of the two
/// the heavier. <https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1>
fn best(accept: &str, usual: impl Fn() -> Syntax) -> Option<Syntax> {
    let (mut json, mut xml): (Option<Fit>, Option<Fit>) = (None, None);
    for (place, range) in accept.split(',').enumerate() {
        let range = MediaType::read(range);
        let Some(narrowness) = range.narrowness() else { continue };
        let place = Reverse(if narrowness == NAMED { place } else { usize::MAX });
        let fit = Fit { weight: range.weight(), narrowness, place };
        for (syntax, best) in [(Syntax::Json, &mut json), (Syntax::Xml, &mut xml)] {
            let takes = narrowness < NAMED || range.syntax() == Some(syntax);
            let narrower = |known: Fit| (narrowness, fit.weight) > (known.narrowness, known.weight);
            if takes && best.is_none_or(narrower) {
                *best = Some(fit);
            }
        }
    }
    let taken = |fit: Option<Fit>| fit.filter(|fit| fit.weight > 0);
    match (taken(json), taken(xml)) {
        (None, None) => None,
        (Some(json), Some(xml)) if json == xml => Some(usual()),
        (json, xml) => Some(if json > xml { Syntax::Json } else { Syntax::Xml }),
    }
}

/// An answer's JSON as XML.
///
/// # Errors
/// Internal where it is none that validation would pass.
pub(crate) fn in_xml(json: &[u8], layout: Layout) -> Result<String> {
    let value = parse_own(json).map_err(Error::internal)?;
    let mut out = String::with_capacity(json.len() + json.len() / 2);
    xml::write(&value, layout, &mut out)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(wanted: Wanted<'_>) -> &'static str {
        match Syntax::of(&wanted) {
            Ok(Syntax::Json) => "json",
            Ok(Syntax::Xml) => "xml",
            Err(error) => error.kind.as_str(),
        }
    }

    #[test]
    fn negotiates() {
        for (format, accept, expected) in [
            (None, None, "json"),
            (None, Some(""), "json"),
            (None, Some("*/*"), "json"),
            (None, Some("application/*"), "json"),
            (None, Some("application/fhir+json;q=0.9, text/html"), "json"),
            (None, Some("application/fhir+xml"), "xml"),
            (None, Some("application/xml"), "xml"),
            (None, Some("text/xml"), "xml"),
            (None, Some("text/html"), "not-acceptable"),
            (None, Some("text/*"), "not-acceptable"),
            (None, Some("application/json;q=0"), "not-acceptable"),
            (None, Some("*/*;q=0"), "not-acceptable"),
            (None, Some("application/fhir+json;q=0, */*"), "xml"),
            (None, Some("application/fhir+xml;q=0, */*;q=0.1"), "json"),
            (None, Some("*/*, application/fhir+xml;q=0"), "json"),
            // The heavier; of equals the one that is named, and of two that are the first.
            (None, Some("application/fhir+xml;q=0.8, application/fhir+json;q=0.9"), "json"),
            (None, Some("application/fhir+xml;q=0.9, application/fhir+json;q=0.8"), "xml"),
            (None, Some("application/fhir+xml, application/fhir+json"), "xml"),
            (None, Some("application/fhir+json, application/fhir+xml"), "json"),
            (None, Some("application/json, application/fhir+xml;q=0.9"), "json"),
            (None, Some("*/*, application/fhir+xml"), "xml"),
            (None, Some("*/*, application/fhir+xml;q=0.9"), "json"),
            (None, Some("application/*;q=0.5, */*;q=0.6"), "json"),
            (None, Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), "xml"),
            (None, Some("application/fhir+xml;q=bad"), "xml"),
            (None, Some("application/fhir+xml;q=NaN, application/fhir+json;q=0.9"), "xml"),
            (None, Some("application/fhir+xml;q=0.001, application/json;q=0.000"), "xml"),
            (Some("json"), Some("application/fhir+xml"), "json"),
            (Some("xml"), Some("application/fhir+json"), "xml"),
            (Some("xml"), None, "xml"),
            (Some("text/xml"), Some("text/html"), "xml"),
            (Some("application/fhir json"), None, "json"),
            (Some("application/fhir xml"), None, "xml"),
            (Some("ttl"), Some("*/*"), "not-acceptable"),
            (Some(""), None, "not-acceptable"),
            (None, Some("Application/FHIR+JSON; fhirVersion=4.0"), "json"),
            (None, Some("Application/FHIR+XML; fhirVersion=4.0"), "xml"),
            (None, Some("application/fhir+json; fhirVersion=3.0"), "not-acceptable"),
            (None, Some("application/fhir+xml; fhirVersion=5.0"), "not-acceptable"),
            (None, Some("application/fhir+xml; fhirVersion=5.0, */*;q=0.1"), "json"),
        ] {
            let wanted = Wanted { format, accept, sent: None };
            assert_eq!(said(wanted), expected, "{format:?} {accept:?}");
        }
    }

    #[test]
    fn whoever_takes_any_is_answered_as_spoken_to() {
        for (accept, sent, expected) in [
            (None, Some("application/fhir+xml"), "xml"),
            (Some("*/*"), Some("application/fhir+xml; charset=utf-8"), "xml"),
            (Some("*/*"), Some("application/fhir+json"), "json"),
            (Some("*/*"), Some("text/plain"), "json"),
            (Some("application/fhir+json"), Some("application/fhir+xml"), "json"),
            (Some("application/json"), Some("application/fhir+xml"), "json"),
            (Some("text/html"), Some("application/fhir+xml"), "not-acceptable"),
        ] {
            assert_eq!(
                said(Wanted { format: None, accept, sent }),
                expected,
                "{accept:?} {sent:?}"
            );
        }
    }
}
