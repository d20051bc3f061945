//! Structural validation: what R4 itself demands of any resource, before profiles and terminology.
//! <https://hl7.org/fhir/R4/validation.html>
//!
//! One walk over the JSON beside the table of structures. Text is built only for faults, and no
//! fault repeats what the sender wrote: it may be about a patient.

mod object;
pub(crate) mod path;
mod primitive;
mod reference;
mod report;
mod xhtml;

use canonical_model::{Error, Resource, Result, Value};

use crate::Registry;
use object::Scope;
pub(crate) use path::Path;
pub(crate) use primitive::is_uuid;
use report::Report;

/// Checks a resource and everything in it.
///
/// # Errors
/// 422 with an issue for each fault, up to `canonical_model::limits::ISSUES_MAX`, each with the
/// FHIRPath of its element.
pub fn validate(resource: &Resource) -> Result<()> {
    let mut walk = Walk::new();
    walk.resource(resource.body(), &Path::root(resource.kind().name()), Scope::default());
    walk.report.into_result()
}

/// Checks a value as an instance of a type (`HumanName`, `code`) or backbone element
/// (`Patient.contact`); the paths of faults begin with `path`.
///
/// # Errors
/// As [`validate`]; 500 where `path` names no structure.
pub fn validate_value(path: &str, value: &Value) -> Result<()> {
    let mut walk = Walk::new();
    let Some(structure) = walk.registry.structure(path) else {
        return Err(Error::internal(format!("validation against the unknown structure {path}")));
    };
    walk.lone(structure, value, &Path::root(path));
    walk.report.into_result()
}

/// The walk: what it goes by and what it found.
struct Walk {
    registry: &'static Registry,
    report: Report,
}

impl Walk {
    fn new() -> Self {
        Self { registry: Registry::r4(), report: Report::default() }
    }
}

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
