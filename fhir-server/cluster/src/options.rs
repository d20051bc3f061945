//! What a caller may choose about a cluster.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// How to open a cluster; start from [`Options::at`] or [`Options::temporary`].
#[derive(Clone, Debug)]
pub struct Options {
    /// The cluster's own folder, made when absent.
    pub dir: PathBuf,
    /// TCP port on 127.0.0.1; none takes the port of the last start, else a free one.
    pub port: Option<u16>,
    /// False gives speed for safety (no fsync): only for data that may vanish.
    pub durable: bool,
    /// `shared_buffers` in MiB; none takes a quarter of the memory, at most 1 GiB.
    pub shared_buffers_mib: Option<u64>,
    /// Further lines of `postgresql.conf`; they win over ours.
    pub settings: Vec<(String, String)>,
    /// Where clusters go whose folder the server's account cannot reach.
    pub state_dir: PathBuf,
    /// Remove the folder when the cluster is dropped or its owner dies.
    pub remove: bool,
}

impl Options {
    /// A lasting, durable cluster in `dir`.
    #[must_use]
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            port: None,
            durable: true,
            shared_buffers_mib: None,
            settings: Vec::new(),
            state_dir: PathBuf::from("/var/lib/carebridge"),
            remove: false,
        }
    }

    /// A durable cluster in a new folder of the temporary directory, removed at the end.
    #[must_use]
    pub fn temporary() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let (pid, serial) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        // Process ids come again after a reboot; a folder left over from then must not.
        let age = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let dir = std::env::temp_dir().join(format!("carebridge-pg-{age:x}-{pid}-{serial}"));
        Self { shared_buffers_mib: Some(128), remove: true, ..Self::at(dir) }
    }
}
