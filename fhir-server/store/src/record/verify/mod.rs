//! Whether the record is what was sealed: every seal, every row, every head that is known from elsewhere.

mod changes;
mod differ;
mod fault;
mod keys;
mod months;
mod named;
mod rows;
mod seals;
mod verifier;

pub use fault::{Fault, FaultKind};
pub use verifier::{KnownHead, Question, Unsealed, Verified, Verifier};
