//! FHIRPath: what search parameters, invariants and patches are written in.
//! <http://hl7.org/fhirpath/N1/>

mod schema;

pub use schema::{Element, Schema};
