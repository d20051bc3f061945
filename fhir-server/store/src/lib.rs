//! All SQL of the product: commit, read, history, search lowering, audit, claims.
//!
//! **Architecture invariants:** no other crate speaks SQL. No read compiles without an
//! [`access::Access`], which is ANDed before LIMIT and count. A write is one transaction: version,
//! index, audit, event and what makes the request happen once.

mod audit;
mod change;
mod commit;
mod error;
mod group;
mod head;
mod history;
mod idempotency;
pub mod limits;
mod migrate;
mod pool;
mod query;
mod read;
mod read_group;
mod rows;
mod sealer;
mod statement;
mod transaction;
mod wire;

pub use audit::{AuditAction, AuditEntry, Auditor};
pub use change::{Change, Method, RequestContext};
pub use commit::{Applied, Once};
pub use head::Head;
pub use history::{HistoryKey, HistoryQuery, HistoryScope};
pub use idempotency::StoredReply;
pub use migrate::{migrate, schema_is_current};
pub use pool::{PoolOptions, Store};
pub use query::{Found, PageKey, PageValue, SearchPage};
pub use read::Stored;
pub use sealer::{KeyProvider, Sealer};
pub use transaction::Transaction;
