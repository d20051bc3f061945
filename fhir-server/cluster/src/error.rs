//! What can go wrong with a private cluster, each as one sentence that says what to change.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a cluster could not be opened, started or stopped.
#[derive(Debug)]
pub enum ClusterError {
    /// No `postgres` and `initdb` on this machine.
    BinariesMissing,
    /// Another program listens on the wanted port.
    PortBusy {
        /// The TCP port on 127.0.0.1.
        port: u16,
    },
    /// The file system that holds the folder is full.
    DiskFull {
        /// The cluster's folder.
        dir: PathBuf,
    },
    /// The folder holds something that this crate did not make.
    Foreign {
        /// The offending folder.
        dir: PathBuf,
    },
    /// The folder was written by a major version whose binaries are not installed.
    OtherVersion {
        /// The cluster's folder.
        dir: PathBuf,
        /// Major version of the folder.
        data: String,
        /// Major version of the newest binaries.
        binaries: String,
    },
    /// Another living process has opened the folder.
    InUse {
        /// The cluster's folder.
        dir: PathBuf,
        /// What the other process wrote into the lock: its process id.
        owner: String,
    },
    /// The folder belongs to another account and we are not root.
    OtherOwner {
        /// The cluster's folder.
        dir: PathBuf,
        /// Name or number of the account.
        owner: String,
    },
    /// `initdb` or `postgres` ended with a fault of its own.
    Failed {
        /// The program.
        program: &'static str,
        /// Its last words.
        detail: String,
        /// Where all of its words are.
        log: PathBuf,
    },
    /// A file or process operation failed.
    Io {
        /// What was tried, as a verb phrase.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

impl ClusterError {
    /// Wraps a system error, telling a full disk from all others.
    pub(crate) fn io(what: &'static str, path: &Path, source: io::Error) -> Self {
        let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
        match full.contains(&source.kind()) {
            true => Self::DiskFull { dir: path.to_owned() },
            false => Self::Io { what, path: path.to_owned(), source },
        }
    }
}

impl fmt::Display for ClusterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BinariesMissing => f.write_str(
                "PostgreSQL is not installed: install the Debian package `postgresql`, or set CAREBRIDGE_PG_BIN to the folder that holds `postgres` and `initdb`.",
            ),
            Self::PortBusy { port } => write!(
                f,
                "Port {port} on 127.0.0.1 is in use by another program: stop it or choose another port."
            ),
            Self::DiskFull { dir } => write!(
                f,
                "The disk that holds {} is full: free some space and start again.",
                dir.display()
            ),
            Self::Foreign { dir } => write!(
                f,
                "{} was not made by CareBridge: move it away or choose another folder.",
                dir.display()
            ),
            Self::OtherVersion { dir, data, binaries } => write!(
                f,
                "{} was written by PostgreSQL {data} but only PostgreSQL {binaries} is installed: install `postgresql-{data}` or move the folder away.",
                dir.display()
            ),
            Self::InUse { dir, owner } => write!(
                f,
                "{} is in use by process {owner}: stop it or choose another folder.",
                dir.display()
            ),
            Self::OtherOwner { dir, owner } => write!(
                f,
                "{} belongs to user {owner}: run as that user or as root, or choose another folder.",
                dir.display()
            ),
            Self::Failed { program, detail, log } => {
                write!(f, "`{program}` failed: {detail} (see {}).", log.display())
            }
            Self::Io { what, path, source } => {
                write!(f, "Could not {what} {}: {source}.", path.display())
            }
        }
    }
}

impl std::error::Error for ClusterError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::BinariesMissing
            | Self::PortBusy { .. }
            | Self::DiskFull { .. }
            | Self::Foreign { .. }
            | Self::OtherVersion { .. }
            | Self::InUse { .. }
            | Self::OtherOwner { .. }
            | Self::Failed { .. } => None,
        }
    }
}
