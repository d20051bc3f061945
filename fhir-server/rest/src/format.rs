//! Which representation the client wants. <https://hl7.org/fhir/R4/http.html#mime-type>

use canonical_model::json::{Layout, write};
use canonical_model::{Error, Kind, Result};
use search::query::{Pair, Summary};

use crate::interaction::Interaction;
use crate::media_type::MediaType;

/// The media type of every FHIR answer.
pub(crate) const FHIR_JSON: &str = "application/fhir+json; charset=utf-8";

/// How an answer is written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Format {
    pub(crate) pretty: bool,
    pub(crate) summary: Summary,
    pub(crate) elements: Vec<String>,
}

impl Format {
    /// Reads `_format`, `Accept`, `_pretty`, `_summary`, `_elements`. `_format` wins over `Accept`.
    pub(crate) fn of(pairs: &[Pair], accept: Option<&str>) -> Result<Self> {
        let get = |name: &str| pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        match (get("_format"), accept) {
            (Some(wanted), _) if !MediaType::read(wanted).is_json() => {
                return Err(unknown().at("http._format"));
            }
            (None, Some(accept)) if !accepts_json(accept) => return Err(unknown()),
            _ => {}
        }
        let summary = match get("_summary") {
            None => Summary::False,
            Some(value) => Summary::parse(value).ok_or_else(|| {
                let text = "_summary: expected true, text, data, count or false";
                Error::invalid(text).at("http._summary")
            })?,
        };
        let elements = get("_elements")
            .into_iter()
            .flat_map(|list| list.split(',').map(str::trim))
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        let pretty = get("_pretty") == Some("true");
        Ok(Self { pretty, summary, elements })
    }

    /// Refuses a view that the interaction has not.
    pub(crate) fn expect(&self, interaction: &Interaction) -> Result<()> {
        match (self.summary, interaction) {
            (Summary::Count, Interaction::Search(_)) => Ok(()),
            (Summary::Count, _) => {
                let text = "_summary=count counts what a search matches; only there.";
                Err(Error::invalid(text).at("http._summary"))
            }
            _ => Ok(()),
        }
    }

    /// Whether a resource's stored text can be sent as it is.
    pub(crate) fn is_plain(&self) -> bool {
        !self.pretty && !self.projects()
    }

    /// Whether parts of resources are left out.
    pub(crate) fn projects(&self) -> bool {
        !matches!(self.summary, Summary::False) || !self.elements.is_empty()
    }

    /// Lays out a finished text for people, if they asked.
    pub(crate) fn lay_out(&self, text: String) -> Result<String> {
        if !self.pretty {
            return Ok(text);
        }
        let value = canonical_model::json::parse(text.as_bytes())?;
        let mut out = String::with_capacity(text.len() * 2);
        write(&value, Layout::Pretty, &mut out);
        out.push('\n');
        Ok(out)
    }
}

fn unknown() -> Error {
    let text = "This server answers in JSON: ask for application/fhir+json.";
    Error::new(Kind::NotAcceptable, text)
}

/// Whether one of the ranges of an `Accept` header takes JSON.
fn accepts_json(accept: &str) -> bool {
    accept.split(',').any(|range| MediaType::read(range).accepts_json())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negotiates() {
        for (format, accept, expected) in [
            (None, None, true),
            (None, Some("*/*"), true),
            (None, Some("application/fhir+json;q=0.9, text/html"), true),
            (None, Some("application/fhir+xml"), false),
            (None, Some("application/json;q=0"), false),
            (Some("json"), Some("application/fhir+xml"), true),
            (Some("application/fhir json"), None, true),
            (Some("xml"), None, false),
            (Some("ttl"), Some("*/*"), false),
            (None, Some("Application/FHIR+JSON; fhirVersion=4.0"), true),
            (None, Some("application/fhir+json; fhirVersion=3.0"), false),
        ] {
            let pairs: Vec<Pair> =
                format.iter().map(|f| ("_format".to_owned(), (*f).to_owned())).collect();
            assert_eq!(Format::of(&pairs, accept).is_ok(), expected, "{format:?} {accept:?}");
        }
    }
}
