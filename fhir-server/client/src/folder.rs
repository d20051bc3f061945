//! The folder that files are written into.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Refuses what cannot be such a folder, and one that holds files already unless by `force`. What a run that
/// was interrupted left unfinished counts for nothing, and goes.
///
/// # Errors
/// A sentence that says what to name instead.
pub(crate) fn check(folder: &Path, force: bool) -> Result<()> {
    let name = folder.display();
    let held = match fs::read_dir(folder) {
        Ok(held) => held,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == ErrorKind::NotADirectory => bail!(
            "{name} is a file, or lies below one: name a folder, which is made if it is not there."
        ),
        Err(error) => return Err(error).with_context(|| format!("{name} cannot be read")),
    };
    let (unfinished, held): (Vec<_>, Vec<_>) =
        held.filter_map(Result::ok).map(|entry| entry.path()).partition(|path| is_part(path));
    if !force && !held.is_empty() {
        bail!("{name} is not empty: name another folder, or --force to replace files in it.");
    }
    for path in unfinished {
        fs::remove_file(&path).with_context(|| format!("{} cannot be removed", path.display()))?;
    }
    Ok(())
}

/// Where a file grows until it is whole.
pub(crate) fn part(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!(".{name}.part"))
}

fn is_part(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy());
    name.is_some_and(|name| name.starts_with('.') && name.ends_with(".part"))
}

/// Makes the folder if it is not there.
pub(crate) fn make(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))
}

/// Why a file could not be written.
pub(crate) fn unwritable(path: &Path) -> String {
    format!("{} cannot be written", path.display())
}
