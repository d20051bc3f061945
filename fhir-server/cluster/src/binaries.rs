//! Finds PostgreSQL's server programs: Debian keeps them out of `PATH`, one folder per major version.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::ClusterError;

/// One installed PostgreSQL.
#[derive(Clone, Debug)]
pub(crate) struct Binaries {
    /// The folder that holds `postgres` and `initdb`.
    pub(crate) bin: PathBuf,
    /// Its major version, as in a data folder's `PG_VERSION`.
    pub(crate) major: String,
}

impl Binaries {
    /// The installation for a folder of version `wanted`, else for a new folder the best one.
    pub(crate) fn find(wanted: Option<&str>, dir: &Path) -> Result<Self, ClusterError> {
        let installed: Vec<Self> = candidates().iter().filter_map(|bin| Self::probe(bin)).collect();
        let first = installed.first().ok_or(ClusterError::BinariesMissing)?;
        let Some(wanted) = wanted else { return Ok(first.clone()) };
        installed.iter().find(|found| found.major == wanted).cloned().ok_or_else(|| {
            ClusterError::OtherVersion {
                dir: dir.to_owned(),
                data: wanted.to_owned(),
                binaries: first.major.clone(),
            }
        })
    }

    /// The path of one program.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// The major version as a number; 0 when it is not one.
    pub(crate) fn major(&self) -> u32 {
        self.major.parse().unwrap_or(0)
    }

    fn probe(bin: &Path) -> Option<Self> {
        bin.join("initdb").is_file().then_some(())?;
        let said = Command::new(bin.join("postgres")).arg("--version").output().ok()?;
        let said = String::from_utf8(said.stdout).ok()?;
        let version = said.split_whitespace().find(|word| word.starts_with(char::is_numeric))?;
        let major: String = version.chars().take_while(char::is_ascii_digit).collect();
        Some(Self { bin: bin.to_owned(), major })
    }
}

/// Whether this machine has PostgreSQL's server programs.
#[must_use]
pub fn is_installed() -> bool {
    Binaries::find(None, Path::new("")).is_ok()
}

/// Folders in the order of preference: named by the operator, in `PATH`, Debian's newest first.
fn candidates() -> Vec<PathBuf> {
    let mut bins: Vec<PathBuf> = Vec::new();
    bins.extend(std::env::var_os("CAREBRIDGE_PG_BIN").map(PathBuf::from));
    let path = std::env::var_os("PATH").unwrap_or_default();
    bins.extend(std::env::split_paths(&path).filter(|dir| dir.is_absolute()));
    let mut debian: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let major = entry.file_name().to_str()?.parse().ok()?;
            Some((major, entry.path().join("bin")))
        })
        .collect();
    debian.sort_by_key(|(major, _)| std::cmp::Reverse(*major));
    bins.extend(debian.into_iter().map(|(_, bin)| bin));
    bins.retain(|bin| bin.join("postgres").is_file());
    bins
}
