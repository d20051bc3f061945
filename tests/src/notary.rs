//! Seals the record of a test's database when the test says so.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use store::{Keys, Notary, Sealer, Store, StoreOptions};

use crate::Database;
use crate::ledger::until;

/// Longer than transactions of other tests are open.
const SEALED_MAX: Duration = Duration::from_secs(60);

/// The key of tests, as a setting.
pub const SEAL_KEY: &str = "LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE=";

/// The keys that a test's record is sealed under.
///
/// # Errors
/// None: the key is one.
pub fn record_keys() -> Result<Keys> {
    let key = BASE64_STANDARD.decode(SEAL_KEY)?;
    Ok(Keys::of_root(key.as_slice().try_into()?)?)
}

impl Database {
    /// One who seals its record.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn notary(&self) -> Result<Notary> {
        Ok(Notary::new(&self.url, &self.store().await?, record_keys()?)?)
    }

    /// The store on it, with two connections.
    ///
    /// # Errors
    /// As [`Database::notary`].
    pub async fn store(&self) -> Result<Store> {
        let options = StoreOptions {
            url: self.url.clone(),
            connections: 2,
            reserve_mib: 0,
            search_ms: 10_000,
            probed_entries: store::limits::PROBED_ENTRIES_MAX,
            sealer: Arc::new(Sealer::default()),
        };
        Ok(Store::connect(&options).await?)
    }
}

/// Has so many rows sealed, and no more. Transactions of other tests, on the same server, hold sealing back for a
/// while.
///
/// # Errors
/// There are fewer, or more.
pub async fn seal_rows(notary: &mut Notary, rows: usize) -> Result<()> {
    let mut sealed = 0;
    until("the rows are sealed", SEALED_MAX, async || {
        sealed += notary.seal_all().await.unwrap_or(0);
        sealed >= rows
    })
    .await?;
    ensure!(sealed == rows, "{sealed} rows were sealed, not {rows}");
    Ok(())
}
