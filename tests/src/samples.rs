//! The shared sample data, where it is there. Its absence is said loudly, never passed over.

use std::path::PathBuf;

/// The folder of samples named, or `None` with a line on the terminal.
#[must_use]
#[expect(clippy::print_stderr, reason = "a skipped test must be heard")]
pub fn folder(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("CAREBRIDGE_SHARED_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        PathBuf::from,
    );
    let folder = root.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!(
        "SKIPPED: no sample data `{name}`; set CAREBRIDGE_SHARED_DATA to the folder of samples."
    );
    None
}

/// The files of a folder of samples, sorted, with their content.
#[must_use]
pub fn files(name: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let folder = folder(name)?;
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .ok()?
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_file())
        .filter_map(|entry| {
            let content = std::fs::read(entry.path()).ok()?;
            Some((entry.file_name().to_string_lossy().into_owned(), content))
        })
        .collect();
    files.sort();
    Some(files)
}
