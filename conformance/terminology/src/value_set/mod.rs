//! A value set: which codes of which systems. <https://hl7.org/fhir/R4/valueset.html>

pub mod check;
mod compose;
pub mod expand;
mod filter;
mod implicit;
mod members;
mod read;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use canonical_model::Value;

pub use compose::members;
pub use filter::Filter;
pub use members::{Member, Members, Slot};

/// A value set as it is defined.
#[derive(Clone, Debug)]
pub struct ValueSet {
    /// The canonical URL; empty where it has none.
    pub url: String,
    /// Its version.
    pub version: Option<String>,
    /// What it is composed of.
    pub compose: Option<Compose>,
    /// What its author has expanded.
    pub expansion: Option<Stored>,
    /// The resource.
    pub resource: Value,
}

/// <https://hl7.org/fhir/R4/valueset.html#compositions>
#[derive(Clone, Debug, Default)]
pub struct Compose {
    /// Whether it means its systems as they were on a date.
    pub locked: bool,
    /// Whether codes that are no longer to be used are in it; `None` where it does not say.
    pub inactive: Option<bool>,
    /// What is in it.
    pub include: Vec<Part>,
    /// What is not.
    pub exclude: Vec<Part>,
}

/// One include or exclude: what is in all that it names.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// Codes of this system.
    pub system: Option<String>,
    /// In this version.
    pub version: Option<String>,
    /// These codes; none where all are meant that pass the filters.
    pub listed: Vec<Listed>,
    /// Where each code is in the list.
    pub by_code: HashMap<Box<str>, usize>,
    /// What codes must pass.
    pub filters: Vec<Filter>,
    /// Codes of these value sets.
    pub value_sets: Vec<String>,
}

/// A code that a value set lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// The code.
    pub code: Box<str>,
    /// How it is called in this value set.
    pub display: Option<Box<str>>,
    /// Other wordings in this value set: `ValueSet.compose.include.concept.designation`.
    pub designations: Vec<Value>,
    /// Whether its author says that it only groups others.
    pub is_abstract: bool,
    /// Whether its author says that it is no longer to be used.
    pub inactive: bool,
}

/// An expansion as a value set holds it.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// Whether these are all of its codes.
    pub whole: bool,
    /// System, version and what is said of the code.
    pub codes: Vec<(String, Option<String>, Listed)>,
}

impl ValueSet {
    /// The value sets that it is made of.
    pub fn value_sets(&self) -> impl Iterator<Item = &str> {
        self.parts().flat_map(|part| part.value_sets.iter().map(String::as_str))
    }

    /// The code systems that it takes codes from: with the version, and whether it can be told without them which
    /// codes these are.
    pub fn systems(&self) -> impl Iterator<Item = (&str, Option<&str>, bool)> {
        self.parts().filter_map(|part| {
            let system = part.system.as_deref()?;
            Some((system, part.version.as_deref(), !part.listed.is_empty()))
        })
    }

    /// What it calls a code itself.
    #[must_use]
    pub fn display(&self, system: &str, code: &str) -> Option<&str> {
        let own = self.parts().filter(|part| part.system.as_deref() == Some(system));
        let mut listed = own.filter_map(|part| part.listed.get(*part.by_code.get(code)?));
        listed.find_map(|it| it.display.as_deref())
    }

    fn parts(&self) -> impl Iterator<Item = &Part> {
        let compose = self.compose.iter();
        compose.flat_map(|it| it.include.iter().chain(&it.exclude))
    }
}
