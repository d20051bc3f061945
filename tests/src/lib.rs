//! What end-to-end tests share: a real server on a real database of its own, and a client that
//! keeps answers exact.

mod authority;
mod client;
mod database;
mod fixture;
pub mod ledger;
mod notary;
pub mod samples;
mod secured;
mod signer;
mod trap;

pub use authority::{Authority, Identity};
pub use client::{Answer, Client};
pub use database::Database;
pub use fixture::Fixture;
pub use notary::{SEAL_KEY, record_keys, seal_rows};
pub use secured::{Clients as ClientsTls, Secured, trusting};
pub use signer::Signer;
pub use trap::{Then, Trap};
