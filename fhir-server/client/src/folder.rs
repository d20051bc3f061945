//! The folder that files are written into.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Refuses what cannot be such a folder, and one that holds files already unless by `force`.
///
/// # Errors
/// A sentence that says what to name instead.
pub(crate) fn check(folder: &Path, force: bool) -> Result<()> {
    let name = folder.display();
    let mut held = match fs::read_dir(folder) {
        Ok(held) => held,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == ErrorKind::NotADirectory => bail!(
            "{name} is a file, or lies below one: name a folder, which is made if it is not there."
        ),
        Err(error) => return Err(error).with_context(|| format!("{name} cannot be read")),
    };
    if !force && held.next().is_some() {
        bail!("{name} is not empty: name another folder, or --force to replace files in it.");
    }
    Ok(())
}

/// Makes the folder if it is not there.
pub(crate) fn make(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))
}

/// Why a file could not be written.
pub(crate) fn unwritable(path: &Path) -> String {
    format!("{} cannot be written", path.display())
}
