//! The canonical model: FHIR R4 resources as exact JSON, and the words every other crate shares.
//!
//! **Architecture invariant:** no I/O, no clock, no randomness. Resources are never read through
//! typed models here: what came in is what goes out, to the last zero of a decimal.

pub mod blob;
pub mod date;
pub mod decimal;
pub mod error;
pub mod fhirpath;
pub mod id;
pub mod json;
pub mod limits;
pub mod patch;
pub mod phi;
pub mod resource;
pub mod resource_type;

pub use blob::Blob;
pub use error::{Error, Issue, IssueCode, Kind, Result, Severity};
pub use id::ResourceId;
pub use json::Value;
pub use phi::Phi;
pub use resource::Resource;
pub use resource_type::ResourceType;
