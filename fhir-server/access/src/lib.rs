//! Who may reach what: scopes in, one expression out.
//!
//! **Architecture invariant:** pure, no I/O. An [`Access`] comes from [`Access::decide`],
//! [`Access::decide_system`] or [`Access::internal`] and from nowhere else, and every read of the
//! store demands one; so a read that nobody decided on does not compile:
//!
//! ```compile_fail
//! let forged = access::Access { filter: access::Filter::Everything };
//! ```
//! ```compile_fail
//! let forged = access::Access::default();
//! ```
//! ```compile_fail
//! let forged: access::Access = access::Filter::Everything.into();
//! ```

mod access;
mod action;
mod caller;
mod condition;
mod consent;
mod constraint;
mod filter;
mod labels;
pub mod limits;
mod relations;
mod role;
mod roles;
mod rules;
mod scope;
mod scopes;
#[cfg(test)]
mod tests;
mod treatment;
mod type_set;

pub use access::Access;
pub use action::{Action, Actions};
pub use caller::{Caller, FhirUser, Generations};
pub use condition::{Condition, Conditions};
pub use consent::{Asker, BREAK_GLASS, Binding, Consent};
pub use filter::{Clause, Filter};
pub use labels::{Label, Labels};
pub use relations::{Related, Relations};
pub use role::{Role, Roles};
pub use rules::Rules;
pub use scope::{Context, Scope};
pub use scopes::Scopes;
pub use treatment::Treatment;
pub use type_set::TypeSet;
