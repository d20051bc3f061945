//! The work behind `carebridge generate`, `load` and `export`, against any FHIR R4 server.
//!
//! **Architecture invariant:** the text of a resource is never parsed into numbers and written
//! again; what was read from a file is what is sent, and what was answered is what is written.
//! Nothing here prints: callers show the reports.

mod auth;
mod binary;
mod connection;
mod export;
mod folder;
mod generate;
mod grouped;
mod http;
mod input;
mod journal;
pub mod limits;
mod load;
mod outcome;
pub mod package;
mod progress;
mod quarantine;
mod raw;
mod report;
mod send;
mod stop;
mod text;
mod writer;

pub use auth::Auth;
pub use connection::{Connection, Retry};
pub use export::{ExportOptions, ExportReport, export};
pub use generate::{Format, GenerateOptions, GenerateReport, Output, generate};
pub use load::{LoadOptions, load};
pub use quarantine::Quarantine;
pub use report::{LoadError, LoadReport};
pub use stop::Stop;
pub use text::sentence;
