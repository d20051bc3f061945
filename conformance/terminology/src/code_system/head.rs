//! What a code system says of itself.

use serde::{Deserialize, Serialize};

/// The part of a CodeSystem that is not its concepts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The canonical URL.
    pub url: String,
    /// Its version.
    pub version: Option<String>,
    /// Its name, for people where it has one for them.
    pub name: String,
    /// How much of it is here.
    pub content: Content,
    /// Whether codes that differ in case alone are two.
    pub case_sensitive: bool,
    /// What its hierarchy means.
    pub relation: Relation,
    /// The properties that concepts may have.
    pub properties: Vec<PropertyHead>,
}

/// A property that concepts may have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PropertyHead {
    /// Its code.
    pub code: String,
    /// What it means.
    pub description: Option<String>,
    /// Whether the code system declares it; others are only used.
    pub declared: bool,
}

/// <https://hl7.org/fhir/R4/valueset-codesystem-content-mode.html>
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are FHIR's, defined there")]
pub enum Content {
    #[default]
    NotPresent,
    Example,
    Fragment,
    Complete,
    Supplement,
}

impl Content {
    /// Of its code; what is no code has nothing here.
    #[must_use]
    pub fn parse(code: &str) -> Self {
        match code {
            "example" => Self::Example,
            "fragment" => Self::Fragment,
            "complete" => Self::Complete,
            "supplement" => Self::Supplement,
            _ => Self::NotPresent,
        }
    }
}

/// What it means that a concept is below another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Relation {
    /// It is one of it: subsumption.
    #[default]
    IsA,
    /// Something else, by its code.
    Other(String),
}

/// The type of a property's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the words are FHIR's types")]
pub enum PropertyKind {
    Code,
    Coding,
    String,
    Integer,
    Boolean,
    DateTime,
    Decimal,
}

impl PropertyKind {
    /// The member of `property` that has such a value.
    #[must_use]
    pub fn member(self) -> &'static str {
        match self {
            Self::Code => "valueCode",
            Self::Coding => "valueCoding",
            Self::String => "valueString",
            Self::Integer => "valueInteger",
            Self::Boolean => "valueBoolean",
            Self::DateTime => "valueDateTime",
            Self::Decimal => "valueDecimal",
        }
    }

    /// The kind of a member.
    #[must_use]
    pub fn of_member(name: &str) -> Option<Self> {
        let all = [
            Self::Code,
            Self::Coding,
            Self::String,
            Self::Integer,
            Self::Boolean,
            Self::DateTime,
            Self::Decimal,
        ];
        all.into_iter().find(|kind| kind.member() == name)
    }
}
