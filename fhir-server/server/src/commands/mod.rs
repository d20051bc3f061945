//! The subcommands, a file each. `run` gives the exit code.

pub(crate) mod account;
pub(crate) mod admin;
pub(crate) mod audit;
pub(crate) mod client;
pub(crate) mod conformance;
mod connection;
#[cfg(feature = "dev")]
pub(crate) mod dev;
pub(crate) mod export;
#[cfg(feature = "dev")]
pub(crate) mod generate;
pub(crate) mod import;
pub(crate) mod keys;
pub(crate) mod load;
pub(crate) mod migrate;
mod progress;
pub(crate) mod proxy;
pub(crate) mod quarantine;
pub(crate) mod seal;
pub(crate) mod serve;
