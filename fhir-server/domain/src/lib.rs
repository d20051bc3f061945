//! The Patient Domain Service: every interaction with the canonical record.
//!
//! **Architecture invariants:** every write of the product goes through here, whoever makes it;
//! access, validation, hooks, index, audit and event cannot be walked around. No HTTP, no SQL.

mod admission;
mod checked;
mod conditions;
mod consents;
mod definitions;
mod domain;
mod hooks;
pub mod interactions;
mod judging;
mod left_out;
pub mod limits;
pub mod operations;
pub mod parameters;
mod prepare;
mod reached;
pub mod record;
mod relations;
mod request;
pub mod terminology;
mod watch;
mod withheld;

pub use checked::{Faults, Validation, ValidationRule, is_to_keep};
pub use definitions::Standing;
pub use domain::{Domain, Policy, Services};
pub use hooks::{Hook, Hooks, Proposal};
pub use request::{Criteria, IdempotencyKey, Precondition, Request};
pub use watch::said_of_all;
pub use withheld::Withheld;
