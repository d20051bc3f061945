//! The key that seals in `dev`: made with its database and kept beside it, so that the record of accesses is sealed there
//! as it is in earnest.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use store::AuthStore;

use crate::settings::Settings;

/// Its file, beside the database.
const FILE: &str = "seal-key";

/// Gives the settings the key of a database of `dev`, unless they say what seals, or that nothing does. A database that
/// has been without a key goes on without: what people have set up there hangs on the one it has in its place.
pub(crate) async fn give(settings: &mut Settings, folder: &Path) -> Result<()> {
    if settings.seal.has_key() || settings.seal.none {
        return Ok(());
    }
    let file = folder.join(FILE);
    if !file.exists() {
        let store = AuthStore::connect(settings.database.url()?.reveal()).await?;
        let keys = store.signing_keys(true).await?;
        store.close().await;
        if !keys.is_empty() {
            return Ok(());
        }
        make(&file).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    settings.seal.key_file = Some(file);
    Ok(())
}

fn make(file: &Path) -> Result<()> {
    let mut key = [0; 32];
    rand::fill(&mut key).map_err(|_| anyhow!("The system gives no random bytes."))?;
    let mut open = OpenOptions::new().create_new(true).write(true).mode(0o600).open(file)?;
    Ok(open.write_all(format!("{}\n", STANDARD.encode(key)).as_bytes())?)
}
