//! What the authorization server is told.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use serde::Deserialize;

use crate::limits::{KEY_LEAD_S, ROTATE_DAYS_MAX};

/// The authorization server.
#[derive(Clone, Debug)]
pub struct AuthSettings {
    /// The file of the first key that signs tokens; none makes one that ends with the process.
    pub signing_key: Option<PathBuf>,
    /// How many days a key signs; 0 is for ever.
    pub rotate_days: u16,
    /// How long a key is published before it signs, in seconds; only tests choose another time.
    pub key_lead_s: i32,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self { signing_key: None, rotate_days: 90, key_lead_s: KEY_LEAD_S }
    }
}

/// The same in a file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Auth {
    pub(super) signing_key: Option<PathBuf>,
    rotate_days: Option<u16>,
}

impl Auth {
    pub(super) fn apply(self, settings: &mut AuthSettings) -> Result<()> {
        settings.signing_key = self.signing_key.or(settings.signing_key.take());
        settings.rotate_days = self.rotate_days.unwrap_or(settings.rotate_days);
        ensure!(
            settings.rotate_days <= ROTATE_DAYS_MAX,
            "`rotate_days` under `[auth]` must be {ROTATE_DAYS_MAX} at most; 0 is for ever."
        );
        Ok(())
    }
}
