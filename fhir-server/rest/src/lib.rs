//! FHIR over HTTP: the only crate that knows both. <https://hl7.org/fhir/R4/http.html>
//!
//! **Architecture invariant:** every way in is an [`Interaction`], from the wire or from a bundle's
//! entry alike, and each is performed by one function here, with the caller's rights decided in
//! `domain`. No SQL, no rules of its own.

mod answer;
mod app;
mod body;
mod bundle;
mod conditions;
mod content;
mod format;
mod handlers;
mod interaction;
pub mod limits;
mod media_type;
mod metadata;
mod operations;
mod outcome;
mod pace;
mod page_link;
mod perform;
mod projection;
mod range;
mod render;
mod room;
mod router;
mod routes;
mod syntax;
mod throttle;
mod wire_request;

pub use app::App;
pub use interaction::Interaction;
pub use outcome::outcome;
pub use room::Bodies;
pub use router::router;
pub use routes::routes;
