//! The folder that files are written into.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Makes the folder; one that holds files already is used only by `force`.
///
/// # Errors
/// A sentence that says what to name instead.
pub(crate) fn prepare(folder: &Path, force: bool) -> Result<()> {
    let name = folder.display();
    match fs::create_dir_all(folder) {
        Ok(()) => {}
        Err(error)
            if matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotADirectory) =>
        {
            bail!(
                "{name} is a file, or lies below one: name a folder, which is made if it is not there."
            )
        }
        Err(error) => return Err(error).with_context(|| format!("{name} cannot be made")),
    }
    let mut held = fs::read_dir(folder).with_context(|| format!("{name} cannot be read"))?;
    if !force && held.next().is_some() {
        bail!("{name} is not empty: name another folder, or --force to replace files in it.");
    }
    Ok(())
}

/// Why a file could not be written.
pub(crate) fn unwritable(path: &Path) -> String {
    format!("{} cannot be written", path.display())
}
