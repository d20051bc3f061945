//! The conformance suite: cases as data, which judge any FHIR server by its base URL.
//!
//! Nothing here knows CareBridge: what a case asks is said over HTTP, and what it needs of the server it takes from
//! the server's own discovery document. A case for which the server declares no support is skipped, with the reason.

mod answer;
mod assertion;
mod case;
mod cases;
mod client_keys;
mod declared;
mod expect;
mod id_token;
pub mod limits;
mod made;
mod need;
mod page;
mod prepared;
mod report;
mod request;
mod run;
mod sign_in;
#[cfg(test)]
mod tests;
mod tls;
mod tokens;
mod variables;

pub use cases::{Listed, list};
pub use client_keys::client_keys;
pub use prepared::Prepared;
pub use report::{Outcome, Report, Verdict};
pub use run::{Options, run};
pub use variables::Variables;
