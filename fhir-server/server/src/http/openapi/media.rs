//! The media types that requests bring and answers have.

use super::said::{Gives, Part, Takes};

const FHIR: &[&str] = &["application/fhir+json", "application/fhir+xml"];
const PATCH: &[&str] =
    &["application/json-patch+json", "application/fhir+json", "application/fhir+xml"];
const FORM: &[&str] = &["application/x-www-form-urlencoded"];
const JSON: &[&str] = &["application/json"];

/// A status that succeeds, what it means, and the media types of its content.
pub(super) type Success = (&'static str, &'static str, &'static [&'static str]);

impl Takes {
    /// What a body may be; nothing where there is none.
    pub(super) fn media(self) -> &'static [&'static str] {
        match self {
            Self::Nothing
            | Self::View
            | Self::Criteria
            | Self::Where
            | Self::Query
            | Self::Arguments => &[],
            Self::Resource
            | Self::ResourceWhere
            | Self::Bundle
            | Self::Parameters
            | Self::Judged => FHIR,
            Self::Patch | Self::PatchWhere => PATCH,
            Self::CriteriaForm | Self::Form => FORM,
            Self::Json => JSON,
        }
    }
}

impl Gives {
    /// The answers that succeed.
    pub(super) fn answers(self) -> &'static [Success] {
        match self {
            Self::Fhir => &[("200", "As asked.", FHIR), ("304", "As it was.", &[])],
            Self::Written => &[
                ("200", "Updated.", FHIR),
                ("201", "Created.", FHIR),
                ("202", "Kept aside for its faults, where the operator says so.", FHIR),
            ],
            Self::Done => &[
                ("200", "Done.", FHIR),
                ("202", "Kept aside for its faults, where the operator says so.", FHIR),
            ],
            Self::Gone => &[("200", "Deleted.", FHIR), ("204", "Deleted.", &[])],
            Self::Json => &[("200", "As asked.", JSON)],
            Self::Registered => &[("201", "Registered.", JSON)],
            Self::Page => &[
                ("200", "The page.", &["text/html"]),
                ("303", "The way goes on at Location.", &[]),
            ],
            Self::Csv => {
                &[("200", "The table, or the page to sign in first.", &["text/csv", "text/html"])]
            }
            Self::Css => &[("200", "The style.", &["text/css"])],
            Self::Text => &[("200", "As asked.", &["text/plain"])],
        }
    }
}

impl Part {
    /// How a refusal may be written.
    pub(super) fn refusals(self) -> &'static [&'static str] {
        match self {
            Self::Fhir => FHIR,
            Self::Apps => &["application/json", "text/html"],
            Self::Pages => &["text/html"],
            Self::Operator => &["text/plain", "application/json"],
        }
    }
}
