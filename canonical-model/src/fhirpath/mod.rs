//! FHIRPath: what search parameters, invariants and patches are written in.
//! <http://hl7.org/fhirpath/N1/>
//!
//! An expression is compiled once against the definitions and then run over JSON as it is: a
//! choice becomes its keys (`valueQuantity`), a branch that this type of resource cannot take is
//! dropped, and no name is looked up twice.

mod arena;
mod ast;
mod compare;
mod compile;
mod eval;
mod item;
mod json_path;
mod lex;
mod location;
mod moment;
mod parse;
mod path;
mod plan;
mod quantity;
mod reference;
mod schema;

pub use arena::Arena;
pub(crate) use compare::same;
pub(crate) use compile::choice_key;
pub use item::Item;
pub use json_path::Column;
pub use location::{Location, Place};
pub use path::{Path, Spot};
pub use reference::reference_type;
pub use schema::{Element, Member, Model, Schema};

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod tests;
