//! The interactions of FHIR's RESTful API, without HTTP: a file each.
//! <https://hl7.org/fhir/R4/http.html>

pub mod binary;
pub mod create;
pub mod delete;
pub mod history;
pub mod patch;
pub mod quarantine;
pub mod read;
pub mod reindex;
pub mod search;
pub mod transaction;
pub mod update;
mod written;

pub use written::{Effect, Written};
