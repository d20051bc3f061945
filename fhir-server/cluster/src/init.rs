//! Makes a new cluster: beside its place, then moved there, so that a half-made one never counts.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::process::Stdio;

use crate::error::ClusterError;
use crate::folder::{Folder, PASSWORD_FILE};
use crate::limits::INIT_BYTES_MIN;
use crate::server::last_words;

/// The superuser of every cluster.
pub(crate) const SUPERUSER: &str = "postgres";

/// Runs `initdb` unless the cluster is there.
pub(crate) fn ensure(folder: &Folder, durable: bool) -> Result<(), ClusterError> {
    if folder.data().exists() {
        return Ok(());
    }
    if folder.free_bytes() < INIT_BYTES_MIN {
        return Err(ClusterError::DiskFull { dir: folder.dir.clone() });
    }
    let (fresh, secret) = (folder.dir.join("data.new"), folder.dir.join("password.new"));
    if fresh.exists() {
        std::fs::remove_dir_all(&fresh).map_err(|e| ClusterError::io("remove", &fresh, e))?;
    }
    DirBuilder::new()
        .mode(0o700)
        .create(&fresh)
        .map_err(|e| ClusterError::io("make the folder", &fresh, e))?;
    folder.account.own(&fresh)?;
    write_password(folder, &secret)?;
    run_initdb(folder, &fresh, &secret)?;
    let mark = fresh.join(PASSWORD_FILE);
    std::fs::rename(&secret, &mark).map_err(|e| ClusterError::io("write", &mark, e))?;
    if durable {
        // One call for the whole file system: a tenth of the time of `initdb`'s thousand calls.
        File::open(&fresh)
            .and_then(|held| Ok(nix::unistd::syncfs(held)?))
            .map_err(|e| ClusterError::io("write", &fresh, e))?;
    }
    std::fs::rename(&fresh, folder.data())
        .and_then(|()| File::open(&folder.dir)?.sync_all())
        .map_err(|e| ClusterError::io("make", &folder.data(), e))
}

/// The password, as `initdb` was given it.
pub(crate) fn read_password(folder: &Folder) -> Result<String, ClusterError> {
    let path = folder.password();
    let text = std::fs::read_to_string(&path).map_err(|e| ClusterError::io("read", &path, e))?;
    Ok(text.trim().to_owned())
}

fn write_password(folder: &Folder, path: &Path) -> Result<(), ClusterError> {
    let fault = |e| ClusterError::io("write", path, e);
    let mut noise = [0_u8; 24];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut noise)).map_err(fault)?;
    let password: String = noise.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut open = OpenOptions::new();
    let mut file =
        open.create(true).truncate(true).write(true).mode(0o600).open(path).map_err(fault)?;
    writeln!(file, "{password}").and_then(|()| file.sync_all()).map_err(fault)?;
    folder.account.own(path)
}

fn run_initdb(folder: &Folder, fresh: &Path, secret: &Path) -> Result<(), ClusterError> {
    let (log, _) = folder.open_log()?;
    let fault = |e| ClusterError::io("run `initdb` in", &folder.dir, e);
    let mut command = folder.account.command(&folder.binaries.program("initdb"), &folder.dir);
    command.arg("--pgdata").arg(fresh).arg("--pwfile").arg(secret);
    command.args(["--username", SUPERUSER, "--encoding", "UTF8", "--data-checksums"]);
    // Letters as Unicode knows them, order by bytes: the same on every machine, and fast.
    command.args(["--locale", "C.UTF-8", "--lc-collate", "C", "--text-search-config", "simple"]);
    // The socket's folder is closed to all but this account and root.
    command.args(["--auth-local", "trust", "--auth-host", "scram-sha-256"]);
    command.arg("--no-sync");
    command.stdout(log).stderr(Stdio::piped());
    let done = command.output().map_err(fault)?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    if said.contains("No space left on device") {
        return Err(ClusterError::DiskFull { dir: folder.dir.clone() });
    }
    Err(ClusterError::Failed { program: "initdb", detail: last_words(&said), log: folder.log() })
}
