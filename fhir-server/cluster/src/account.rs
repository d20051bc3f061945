//! The account the server runs as: PostgreSQL refuses root, so root hands the cluster to another.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::unistd::{Gid, Uid, User};

use crate::error::ClusterError;

/// Who owns the data folder and runs the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    uid: Uid,
    gid: Gid,
    /// We are root and must change to it.
    change: bool,
}

impl Account {
    /// The owner of an existing data folder, else ourselves, else (as root) `postgres` or `nobody`.
    pub(crate) fn choose(data: &Path) -> Result<Self, ClusterError> {
        let me = Uid::effective();
        if let Ok(held) = data.metadata() {
            let (uid, gid) = (Uid::from_raw(held.uid()), Gid::from_raw(held.gid()));
            return match (me.is_root(), uid == me) {
                (true, false) => Ok(Self { uid, gid, change: true }),
                (false, true) => Ok(Self { uid, gid, change: false }),
                (false, false) => {
                    Err(ClusterError::OtherOwner { dir: data.to_owned(), owner: name(uid) })
                }
                // No server of ours ever ran as root.
                (true, true) => Err(ClusterError::Foreign { dir: data.to_owned() }),
            };
        }
        if !me.is_root() {
            return Ok(Self { uid: me, gid: Gid::effective(), change: false });
        }
        let known = |name| User::from_name(name).ok().flatten();
        Ok(match known("postgres").or_else(|| known("nobody")) {
            Some(user) => Self { uid: user.uid, gid: user.gid, change: true },
            // The kernel's overflow user: `nobody` wherever it has no name.
            None => Self { uid: Uid::from_raw(65534), gid: Gid::from_raw(65534), change: true },
        })
    }

    /// A command that runs as this account, in `dir`, in a process group of its own so that a
    /// terminal's Ctrl-C reaches us alone, and with no inherited `PG*` settings.
    pub(crate) fn command(self, program: &Path, dir: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(dir).process_group(0).stdin(Stdio::null()).env_clear();
        command.env("LC_ALL", "C");
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        if self.change {
            command.uid(self.uid.as_raw()).gid(self.gid.as_raw());
        }
        command
    }

    /// Gives a file or folder to this account.
    pub(crate) fn own(self, path: &Path) -> Result<(), ClusterError> {
        if !self.change {
            return Ok(());
        }
        let (uid, gid) = (self.uid.as_raw(), self.gid.as_raw());
        std::os::unix::fs::chown(path, Some(uid), Some(gid))
            .map_err(|e| ClusterError::io("give to the server's account", path, e))
    }

    /// Whether this account may enter `dir`: a parent such as `/root` may be closed to it.
    pub(crate) fn reaches(self, dir: &Path, program: &Path) -> bool {
        // The child changes account first, then folder: what fails is exactly what would fail later.
        let mut probe = self.command(program, dir);
        probe.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        !self.change || probe.status().is_ok_and(|status| status.success())
    }

    /// Whether `path` belongs to this account.
    pub(crate) fn owns(self, path: &Path) -> bool {
        path.symlink_metadata().is_ok_and(|held| held.uid() == self.uid.as_raw())
    }
}

/// Whether this process runs as root.
#[must_use]
pub fn is_root() -> bool {
    Uid::effective().is_root()
}

fn name(uid: Uid) -> String {
    User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name)
}
