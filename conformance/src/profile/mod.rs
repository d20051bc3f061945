//! Validation against profiles: what R4's own definitions say beyond structure, and what profiles
//! add. <https://hl7.org/fhir/R4/profiling.html>
//!
//! One walk over the resource. At each element stand the definitions that speak of it: of its type,
//! of the profiles that are claimed, of the slices that it is in. Each is asked once. No text repeats
//! what the sender wrote: it may be about a patient.

mod bindings;
mod builtin;
mod bundle;
mod cardinality;
mod children;
mod compile;
mod contained;
mod datatypes;
mod discriminate;
mod element;
mod extensions;
mod invariants;
mod model;
mod named;
pub(crate) mod native;
mod own;
mod questionnaire;
mod references;
mod report;
mod set;
mod slices;
mod snapshot;
mod terms;
mod values;
mod walk;

pub use model::Profile;
pub use named::named;
pub use questionnaire::answered;
pub use set::Profiles;
pub use terms::{Terminology, Unknown, Verdict};
pub use walk::Validator;

/// FHIR's type of one of FHIRPath's own: `string` of `System.String`.
fn fhir_type(name: &str) -> &str {
    match name {
        "System.String" => "string",
        "System.Boolean" => "boolean",
        "System.Integer" => "integer",
        "System.Decimal" => "decimal",
        "System.Date" => "date",
        "System.DateTime" => "dateTime",
        "System.Time" => "time",
        other => other,
    }
}

#[cfg(test)]
mod tests;
