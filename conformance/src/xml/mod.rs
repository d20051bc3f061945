//! FHIR XML: read into the JSON value that all else works on, and written from it, by the definitions, which alone
//! know an element's type, place and number. <https://hl7.org/fhir/R4/xml.html>
//!
//! The part of XML that FHIR has is small: elements, attributes, white space and, in narratives, text. So it is
//! read by a scanner of our own, which has no entities to expand and no documents to fetch.

mod entities;
mod fault;
mod names;
mod narrative;
mod read;
mod scan;
mod write;

pub(crate) use entities::named;
pub use entities::named_characters;
pub use read::{read, root};
pub use write::write;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
