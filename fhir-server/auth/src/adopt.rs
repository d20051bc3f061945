//! A database that had no sealing key gets one: what was sealed under a secret that follows from `signing_key` is sealed
//! under the new one, all of it or nothing.

use canonical_model::{Error, Result};
use store::{AuthStore, SecretOf};
use tracing::info;

use crate::seal::{open, seal};

/// Puts what is under the old secret under the new one; what is there already stays.
///
/// # Errors
/// Unavailable where the database is away; Internal where something is under neither, and then nothing changes.
pub(crate) async fn adopt(store: &AuthStore, old: &[u8; 32], new: &[u8; 32]) -> Result<()> {
    let transaction = store.begin().await?;
    let mut moved = 0;
    for (of, sealed) in transaction.secrets().await? {
        let binding = match &of {
            SecretOf::Key(kid) => kid.clone(),
            SecretOf::Device { account, .. } => of_device(*account),
            SecretOf::Reason { patient, .. } => of_reason(patient),
        };
        if open(new, &binding, &sealed).is_some() {
            continue;
        }
        let bytes = open(old, &binding, &sealed).ok_or_else(shut)?;
        transaction.put_secret(&of, &seal(new, &binding, &bytes)?).await?;
        moved += 1;
    }
    transaction.commit().await?;
    if moved > 0 {
        info!(secrets = moved, "What was kept without a sealing key is under it now.");
    }
    Ok(())
}

/// What a device's secret is bound to.
pub(crate) fn of_device(account: i64) -> String {
    format!("device of account {account}")
}

/// What a reason is bound to.
pub(crate) fn of_reason(patient: &str) -> String {
    format!("reason for patient {patient}")
}

/// What a server is told whose secret is another one than the database's.
pub(crate) fn shut() -> Error {
    Error::internal(
        "The keys that sign do not open: all servers of a database need the same sealing key, or where there is none the same `signing_key`",
    )
}
