//! Namespaces: which prefix means which of the few that FHIR has. <https://www.w3.org/TR/xml-names/>

use super::fault::{Fault, Read};
use super::scan::Tag;

/// The namespace of FHIR's elements.
pub(super) const FHIR: &str = "http://hl7.org/fhir";
/// The namespace of narratives.
pub(super) const XHTML: &str = "http://www.w3.org/1999/xhtml";

const SCHEMA: &str = "http://www.w3.org/2001/XMLSchema-instance";
const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// A namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Space {
    None,
    Fhir,
    Xhtml,
    /// Where a schema is said to be: nothing is read from there.
    Schema,
    /// `xml:lang` and the like.
    Xml,
    Other,
}

/// What prefixes mean at a place.
pub(super) struct Names<'a> {
    bound: Vec<(&'a str, Space)>,
}

impl<'a> Names<'a> {
    pub(super) fn new() -> Self {
        Self { bound: vec![("xml", Space::Xml)] }
    }

    /// Takes in what a tag declares; gives back what [`Names::leave`] wants at the element's end.
    pub(super) fn enter(&mut self, tag: &Tag<'a>) -> Read<usize> {
        let before = self.bound.len();
        for attribute in &tag.attributes {
            let Some(prefix) = declared(attribute.name) else { continue };
            let space = match &*attribute.value {
                FHIR => Space::Fhir,
                XHTML => Space::Xhtml,
                SCHEMA => Space::Schema,
                XML => Space::Xml,
                "" => Space::None,
                _ => Space::Other,
            };
            let reserved = matches!(prefix, "xml" | "xmlns") || space == Space::Xml;
            if reserved || (space == Space::None && !prefix.is_empty()) {
                let what = "a declaration of a namespace that XML does not allow";
                return Err(Fault { at: attribute.at, what });
            }
            self.bound.push((prefix, space));
        }
        Ok(before)
    }

    pub(super) fn leave(&mut self, before: usize) {
        self.bound.truncate(before);
    }

    /// An element's namespace and its name there.
    pub(super) fn element(&self, name: &'a str, at: usize) -> Read<(Space, &'a str)> {
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        self.find(prefix, local, at)
    }

    /// An attribute's: without a prefix it has none.
    pub(super) fn attribute(&self, name: &'a str, at: usize) -> Read<(Space, &'a str)> {
        match name.split_once(':') {
            Some((prefix, local)) => self.find(prefix, local, at),
            None => Ok((Space::None, name)),
        }
    }

    fn find(&self, prefix: &str, local: &'a str, at: usize) -> Read<(Space, &'a str)> {
        if local.is_empty() || local.contains(':') {
            return Err(Fault { at, what: "a name has one prefix at most" });
        }
        match self.bound.iter().rev().find(|(bound, _)| *bound == prefix) {
            Some((_, space)) => Ok((*space, local)),
            None if prefix.is_empty() => Ok((Space::None, local)),
            None => Err(Fault { at, what: "a prefix whose namespace is not declared" }),
        }
    }
}

/// The prefix that an attribute declares, if it does; empty for names without one.
pub(super) fn declared(attribute: &str) -> Option<&str> {
    match attribute.strip_prefix("xmlns") {
        Some("") => Some(""),
        // What has no name behind the colon declares nothing.
        Some(rest) => rest.strip_prefix(':').filter(|prefix| !prefix.is_empty()),
        None => None,
    }
}
