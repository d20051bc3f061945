//! What FHIR R4 says: structures, search parameters, compartments, and validation against them.
//! <https://hl7.org/fhir/R4/conformance-module.html>
//!
//! **Architecture invariant:** the definitions are read when this crate is built, from HL7's own
//! package; nothing of them is written by hand or kept in the tree.

pub mod capability;
#[cfg(test)]
mod fhirpath_official;
#[expect(missing_docs, reason = "the words of enumerations are FHIR's, defined there")]
mod index;
pub mod limits;
mod narrow;
pub mod operation;
pub mod profile;
mod registry;
mod schema;
mod search_param;
mod structure;
pub mod terminology;
#[cfg(test)]
mod tests;
mod validate;
pub mod xml;

pub use index::{Component, Element, Key, Primitive, SearchParamKind, Shape, Structure, ValueSet};
pub use narrow::{arms, head, narrow};
pub use registry::Registry;
pub use search_param::SearchParam;
pub use validate::{validate, validate_value};
pub use xml::named_characters;
