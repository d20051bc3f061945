//! The record of accesses made provable ([ADR 0010](../../../../docs/adr/0010-authorization-server-and-audit.md),
//! section 4): rows are written by the statements of the accesses themselves; a worker seals them behind.
//!
//! A row's leaf is the digest of its columns, the chain is the digest of the head before, the row's number and
//! its leaf, in the order of (tx, audit_id). Each seal signs where the chain stands. Who changes, removes or
//! adds a row afterwards breaks the chain; who makes a new chain needs the key, and still differs from every
//! head that was taken away.

mod chain;
mod cut;
mod dropped;
mod hold;
mod journal;
mod key;
mod notary;
mod place;
mod retention;
mod rows;
mod seal;
mod verify;

pub(crate) use key::RecordKey;

pub use hold::{Hold, Holds, NewHold};
pub use journal::{Journal, JournalKey, JournalPage, JournalQuery, JournalRow};
pub use notary::{Notary, Sealed};
pub use retention::Retired;
pub use seal::Head;
pub use verify::{Fault, FaultKind, KnownHead, Question, Unsealed, Verified, Verifier};
