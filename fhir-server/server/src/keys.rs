//! The keys that sign, as the settings say where they are; and how they are changed, with a record of it.

use auth::{Keyring, Next, SigningKey};
use canonical_model::Result;
use chrono::{DateTime, Utc};
use store::{AuthStore, Succession};

use crate::settings::Settings;
use crate::start::changed;

/// The keys of a server: those of its database, where all servers of it can open them. `secret` is what they are sealed
/// with there, where a sealing key is set.
///
/// # Errors
/// The file cannot be used, the database cannot be reached, or its keys are not under this server's.
pub(crate) async fn keyring(
    settings: &Settings,
    accounts: Option<&AuthStore>,
    secret: Option<[u8; 32]>,
) -> anyhow::Result<Keyring> {
    let own = match &settings.auth.signing_key {
        Some(path) => SigningKey::load_or_create(path)?,
        None => SigningKey::generate()?,
    };
    // One that ends with this process would shut others out.
    let lasting = settings.auth.signing_key.is_some() || secret.is_some();
    Ok(match accounts.filter(|_| lasting) {
        Some(store) => Keyring::shared(own, secret, store.clone()).await?,
        None => Keyring::alone(own, secret),
    })
}

/// Has others follow the keys that sign, and records it; the lines of the record.
///
/// # Errors
/// The database cannot be reached.
pub(crate) async fn rotate(
    keys: &Keyring,
    now: DateTime<Utc>,
    when: Succession,
) -> Result<Vec<String>> {
    let how = match when {
        Succession::Announced { lead_s, .. } => format!("in {lead_s} s"),
        Succession::AtOnce => "at once, those before are withdrawn".to_owned(),
    };
    let line = |(alg, kid): &Next| format!("{alg} key {kid} signs {how}");
    let will = keys.rotate(when, |next| changed(now, line(next))).await?;
    for (alg, kid) in &will {
        tracing::info!(alg, kid, how, "Another key will sign.");
    }
    Ok(will.iter().map(line).collect())
}
