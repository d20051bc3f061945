//! The folder of a cluster: where it is, whose it is, and who may use it now.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::account::Account;
use crate::binaries::Binaries;
use crate::error::ClusterError;
use crate::limits::{LOG_BYTES_MAX, SOCKET_PATH_BYTES_MAX};
use crate::options::Options;

/// A folder that is reachable, ours and locked.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) dir: PathBuf,
    pub(crate) account: Account,
    pub(crate) binaries: Binaries,
    pub(crate) socket_dir: PathBuf,
    /// Closing it frees the folder.
    _lock: File,
}

impl Folder {
    /// Finds, makes and locks the folder; refuses one that is not ours.
    pub(crate) fn open(options: &Options) -> Result<Self, ClusterError> {
        // Without binaries nothing is made.
        Binaries::find(None, &options.dir)?;
        let wanted = make(&options.dir)?;
        let (dir, account) = place(&wanted, options)?;
        let lock = lock(&dir, account)?;
        let data = dir.join("data");
        let version = version(&dir, &data)?;
        let binaries = Binaries::find(version.as_deref(), &dir)?;
        let socket_dir = socket_dir(&dir, account)?;
        Ok(Self { dir, account, binaries, socket_dir, _lock: lock })
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.dir.join("postgres.log")
    }

    pub(crate) fn password(&self) -> PathBuf {
        self.data().join(PASSWORD_FILE)
    }

    /// The log, opened for appending and its length; a long one is set aside first.
    pub(crate) fn open_log(&self) -> Result<(File, u64), ClusterError> {
        let path = self.log();
        let fault = |e| ClusterError::io("open", &path, e);
        let length = path.metadata().map_or(0, |held| held.len());
        if length > LOG_BYTES_MAX {
            std::fs::rename(&path, path.with_extension("log.1")).map_err(fault)?;
        }
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
        let file = file.map_err(fault)?;
        self.account.own(&path)?;
        let length = file.metadata().map_err(fault)?.len();
        Ok((file, length))
    }

    /// Bytes that an ordinary account may still write here.
    pub(crate) fn free_bytes(&self) -> u64 {
        let held = nix::sys::statvfs::statvfs(&self.dir);
        held.map_or(u64::MAX, |fs| fs.blocks_available().saturating_mul(fs.fragment_size()))
    }
}

/// In the data folder: the password of the superuser, and by its presence the mark that we made it.
pub(crate) const PASSWORD_FILE: &str = "carebridge.password";

fn make(dir: &Path) -> Result<PathBuf, ClusterError> {
    let fault = |e| ClusterError::io("make the folder", dir, e);
    DirBuilder::new().recursive(true).mode(0o755).create(dir).map_err(fault)?;
    dir.canonicalize().map_err(fault)
}

/// The wanted folder, or its stand-in under the state directory when the account cannot reach it.
fn place(wanted: &Path, options: &Options) -> Result<(PathBuf, Account), ClusterError> {
    // Any program will do to probe with; the version is settled later.
    let program = Binaries::find(None, wanted)?.program("postgres");
    let account = Account::choose(&wanted.join("data"))?;
    if account.reaches(wanted, &program) {
        return Ok((wanted.to_owned(), account));
    }
    let stand_in = make(&options.state_dir.join(format!("{:016x}", fingerprint(wanted))))?;
    let account = Account::choose(&stand_in.join("data"))?;
    Ok((stand_in, account))
}

/// FNV-1a, which stays the same over releases: a path finds its stand-in again for ever.
fn fingerprint(path: &Path) -> u64 {
    let bytes = path.as_os_str().as_encoded_bytes();
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The process that uses the folder of such a cluster now, wherever that really is. Nothing is made.
#[must_use]
pub fn user_of(options: &Options) -> Option<String> {
    let wanted = options.dir.canonicalize().ok()?;
    let stand_in = options.state_dir.join(format!("{:016x}", fingerprint(&wanted)));
    [wanted, stand_in].iter().find_map(|dir| {
        let mut file = File::open(dir.join("lock")).ok()?;
        let held = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
        let mut owner = String::new();
        file.read_to_string(&mut owner).ok()?;
        held.then(|| owner.trim().to_owned())
    })
}

fn lock(dir: &Path, account: Account) -> Result<File, ClusterError> {
    let path = dir.join("lock");
    let fault = |e| ClusterError::io("lock", &path, e);
    let open = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
    let mut file = open.map_err(fault)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            file.read_to_string(&mut owner).map_err(fault)?;
            let owner = owner.trim().to_owned();
            return Err(ClusterError::InUse { dir: dir.to_owned(), owner });
        }
        Err(TryLockError::Error(e)) => return Err(fault(e)),
    }
    account.own(&path)?;
    // Only a courtesy to whoever is refused: a full disk must not keep us from starting.
    let _named = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    Ok(file)
}

/// The major version of an existing cluster of ours; none where there is none yet.
fn version(dir: &Path, data: &Path) -> Result<Option<String>, ClusterError> {
    let foreign = |dir: &Path| ClusterError::Foreign { dir: dir.to_owned() };
    if dir.join("PG_VERSION").exists() {
        return Err(foreign(dir));
    }
    if !data.exists() {
        return Ok(None);
    }
    let version = std::fs::read_to_string(data.join("PG_VERSION")).map_err(|_| foreign(data))?;
    let ours = data.join(PASSWORD_FILE).exists();
    ours.then(|| Some(version.trim().to_owned())).ok_or_else(|| foreign(data))
}

/// `run/` in the folder, or a short path where the socket's name would not fit.
fn socket_dir(dir: &Path, account: Account) -> Result<PathBuf, ClusterError> {
    let near = dir.join("run");
    let longest = near.join(".s.PGSQL.65535");
    let fits = longest.as_os_str().len() <= SOCKET_PATH_BYTES_MAX;
    let path = match fits {
        true => near,
        false => PathBuf::from(format!("/tmp/carebridge-{:016x}", fingerprint(dir))),
    };
    if !path.exists() {
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|e| ClusterError::io("make the folder", &path, e))?;
        account.own(&path)?;
    }
    // In a shared folder somebody else could have made it, to listen in.
    account.owns(&path).then_some(path.clone()).ok_or(ClusterError::Foreign { dir: path })
}
