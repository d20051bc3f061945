//! What codes mean: code systems, value sets and concept maps, in memory and without I/O.
//! <https://hl7.org/fhir/R4/terminology-module.html>
//!
//! **Architecture invariant:** what cannot be told is never answered as if it could. A code system that is not here, or
//! not with all its concepts, makes an answer [`Membership::Unknown`] or an error, not a yes and not a no.

mod bits;
pub mod code_system;
pub mod concept_map;
mod fold;
pub mod import;
mod library;
pub mod limits;
pub mod package;
mod shown;
pub mod value_set;

pub use bits::Bits;
pub use code_system::{Builder, CodeSystem, Content, Head, Place, PropertyKind, Relation};
pub use concept_map::ConceptMap;
pub use library::{Library, Loaded, Refusal};
pub use value_set::check::{Membership, check, membership};
pub use value_set::expand::{Contains, Expansion, View, expand};
pub use value_set::{Members, ValueSet, members};
