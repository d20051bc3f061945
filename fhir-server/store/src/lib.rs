//! All SQL of the product: commit, read, history, search lowering, audit, claims.
//!
//! **Architecture invariants:** no other crate speaks SQL. No read compiles without an
//! [`access::Access`], which is ANDed before LIMIT and count. A write is one transaction: version,
//! index, audit, event and what makes the request happen once.

pub mod aead;
mod audit;
mod auth;
mod blob;
mod change;
mod code_system;
mod commit;
mod connect;
mod consent;
mod context;
mod data_keys;
mod definitions;
mod era;
mod error;
mod find_group;
mod forward;
mod gather;
mod ground;
mod group;
mod head;
mod history;
mod idempotency;
mod index_rows;
mod index_state;
mod judge;
mod keys;
mod kms;
mod lack;
pub mod limits;
mod migrate;

mod numbers;
mod patients;
mod query;
mod reach;
mod read;
mod read_group;
pub mod record;
mod reindex;
mod reserve;
mod rows;
mod sealed_content;
mod sealer;
mod sessions;
mod statement;
mod store;
mod transaction;
mod turns;
mod unindexed;
mod wire;

pub use audit::{AuditAction, AuditEntry, Auditor};
pub use auth::{
    Account, AccountChange, Approval, Attempt, AuthChange, AuthStore, AuthTransaction, Back,
    BreakGlass, ClientChange, ClientClass, ClientProof, Exchange, Exchanged, Given, KeptClient,
    KeptKey, Launched, Linked, NewAccount, NewApproval, NewClient, NewExternal, NewKey, NewLaunch,
    NewSession, Refresh, Refreshed, RegisteredBy, Renewed, SecretOf, SignedIn, StandsFor, Stranger,
    Succession, Told,
};
pub use blob::BlobWriter;
pub use change::{Change, Method};
pub use code_system::ImportedSystem;
pub use commit::{Applied, Once};
pub use consent::Consents;
pub use context::{AuditInteraction, RequestContext};
pub use data_keys::{DataKey, DataKeys, Keks, KeyTimes};
pub use definitions::{Definition, Definitions};
pub use head::Head;
pub use history::{HistoryKey, HistoryQuery, HistoryRead, HistoryScope};
pub use idempotency::StoredReply;
pub use index_state::{Adopted, GoalParam, IndexState};
pub use keys::{Keys, Purpose};
pub use kms::Kms;
pub use lack::{Lack, Mark};
pub use migrate::{migrate, schema_is_current};
pub use query::{Explained, Found, PageKey, PageValue, SearchPage, SearchTime};
pub use reach::Extract;
pub use read::{Barred, Reading, Stored, VersionName};
pub use record::{Head as RecordHead, Notary, Sealed};
pub use reindex::Indexing;
pub use sealer::Sealer;
pub use store::{Store, StoreOptions};
pub use transaction::Transaction;
pub use unindexed::Unindexed;
