//! What end-to-end tests share: a real server on a real database of its own, and a client that
//! keeps answers exact.

mod app;
mod authority;
mod browser;
mod client;
mod database;
mod fixture;
mod kms;
pub mod ledger;
mod notary;
pub mod samples;
mod secured;
mod signed;
mod signer;
mod trap;
mod visitor;

pub use app::{App, path};
pub use authority::{Authority, Identity};
pub use browser::{Browser, Fault, Held, Press, Scheme, Site, Tab, library};
pub use client::{Answer, Client, as_xml};
pub use database::Database;
pub use fixture::Fixture;
pub use kms::{Kms, KmsFault};
pub use notary::{SEAL_KEY, record_keys, seal_rows};
pub use secured::{Clients as ClientsTls, Secured, trusting};
pub use signed::{APP_SCOPE, APP_SECRET, PASSWORD, REDIRECT, Signed, apps, people};
pub use signer::Signer;
pub use trap::{Then, Trap};
pub use visitor::{Form, Page, Visitor};
