//! Which representation the client wants. <https://hl7.org/fhir/R4/http.html#mime-type>

use canonical_model::json::{Layout, parse_own, write};
use canonical_model::{Error, Result};
use search::query::{Pair, Summary};

use crate::interaction::Interaction;
use crate::limits::ELEMENTS_MAX;
use crate::syntax::{Syntax, Wanted};

/// How an answer is written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Format {
    /// What the answer is sent in. Inside, all is JSON.
    pub(crate) syntax: Syntax,
    pub(crate) pretty: bool,
    pub(crate) summary: Summary,
    pub(crate) elements: Vec<String>,
}

impl Format {
    /// Reads `_format`, `_pretty`, `_summary`, `_elements` beside what the headers say.
    pub(crate) fn of(pairs: &[Pair], accept: Option<&str>, sent: Option<&str>) -> Result<Self> {
        let get = |name: &str| pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        let syntax = Syntax::of(&Wanted { format: get("_format"), accept, sent })?;
        let summary = match get("_summary") {
            None => Summary::False,
            Some(value) => Summary::parse(value).ok_or_else(|| {
                let text = "_summary: expected true, text, data, count or false";
                Error::invalid(text).at("http._summary")
            })?,
        };
        let elements: Vec<String> = get("_elements")
            .into_iter()
            .flat_map(|list| list.split(',').map(str::trim))
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .take(ELEMENTS_MAX + 1)
            .collect();
        if elements.len() > ELEMENTS_MAX {
            let text = format!("_elements: {ELEMENTS_MAX} names at most");
            return Err(Error::invalid(text).at("http._elements"));
        }
        let pretty = get("_pretty") == Some("true");
        Ok(Self { syntax, pretty, summary, elements })
    }

    /// The same of an entry of a bundle, which is written as the bundle is.
    pub(crate) fn of_entry(pairs: &[Pair]) -> Result<Self> {
        Ok(Self { syntax: Syntax::Json, ..Self::of(pairs, None, None)? })
    }

    /// The layout of an answer in XML, if it is to be one.
    pub(crate) fn xml(&self) -> Option<Layout> {
        let layout = if self.pretty { Layout::Pretty } else { Layout::Compact };
        (self.syntax == Syntax::Xml).then_some(layout)
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
        !self.lays_out() && !self.projects()
    }

    /// Whether parts of resources are left out.
    pub(crate) fn projects(&self) -> bool {
        !matches!(self.summary, Summary::False) || !self.elements.is_empty()
    }

    /// Whether JSON is laid out for people. XML is laid out when it is made.
    fn lays_out(&self) -> bool {
        self.pretty && self.syntax == Syntax::Json
    }

    /// Lays out a finished text for people, if they asked.
    pub(crate) fn lay_out(&self, text: String) -> Result<String> {
        if !self.lays_out() {
            return Ok(text);
        }
        let value = parse_own(text.as_bytes()).map_err(Error::internal)?;
        let mut out = String::with_capacity(text.len() * 2);
        write(&value, Layout::Pretty, &mut out);
        out.push('\n');
        Ok(out)
    }
}
