//! Search, without I/O: what a resource is indexed under, what a query asks for, and the one
//! hash that both must agree on. <https://hl7.org/fhir/R4/search.html>
//!
//! **Architecture invariant:** no SQL and no I/O here; `store` lowers the expression tree.

mod binding;
mod care;
pub mod catalogue;
mod condition;
mod consent;
pub mod custom;
pub mod entries;
pub mod expr;
pub mod extract;
pub mod fold;
pub mod guide;
mod holds;
pub mod keys;
mod labels;
pub mod limits;
mod measure;
mod named;
pub mod query;
mod sealed;
pub mod terms;
mod timeline;
pub mod words;

pub use care::care_keys;
pub use catalogue::{Catalogue, Form};
pub use condition::condition;
pub use consent::{ConsentRule, Effect, consent_rules};
pub use custom::{Custom, asks, clash, published_urls};
pub use entries::{INDEX_FORM, IndexEntries};
pub use expr::Expr;
pub use extract::extract;
pub use holds::holds;
pub use keys::{Facet, Hasher, Key, Param};
pub use labels::label_keys;
pub use named::named;
pub use query::{Query, QueryContext};
pub use terms::{Code, Term, Terms};
