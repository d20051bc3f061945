//! The handle: open, address, stop, start again.

use std::path::{Path, PathBuf};

use crate::error::ClusterError;
use crate::folder::Folder;
use crate::init::{self, SUPERUSER};
use crate::options::Options;
use crate::process::{backends, of_folder, signal, wait_until};
use crate::server::Server;

/// How to stop. <https://www.postgresql.org/docs/current/server-shutdown.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// Waits until every client has left.
    Smart,
    /// Breaks the sessions off, writes a checkpoint.
    Fast,
    /// Ends at once; the next start recovers from the log.
    Immediate,
}

/// A private PostgreSQL cluster; dropping it stops the server.
#[derive(Debug)]
pub struct Cluster {
    // Before `folder`: the server stops first, then the lock goes.
    server: Option<Server>,
    folder: Folder,
    options: Options,
    password: String,
    port: u16,
}

impl Cluster {
    /// Opens the cluster in `options.dir`, making it when absent, and waits until it serves.
    /// A server that a killed owner left running there is stopped first.
    ///
    /// # Errors
    /// Every [`ClusterError`]: see its variants.
    pub fn open(options: Options) -> Result<Self, ClusterError> {
        let folder = Folder::open(&options)?;
        // From here on a fault drops it, which removes a temporary folder.
        let mut cluster = Self { server: None, folder, options, password: String::new(), port: 0 };
        init::ensure(&cluster.folder, cluster.options.durable)?;
        cluster.password = init::read_password(&cluster.folder)?;
        let server = Server::start(&cluster.folder, &cluster.options)?;
        cluster.port = server.port;
        cluster.server = Some(server);
        Ok(cluster)
    }

    /// A fast, volatile cluster on a free port in a temporary folder, removed on drop and also when
    /// this process is killed. For one with durable commits open [`Options::temporary`].
    ///
    /// # Errors
    /// As [`Cluster::open`].
    pub fn temporary() -> Result<Self, ClusterError> {
        Self::open(Options { durable: false, ..Options::temporary() })
    }

    /// The superuser's address of a database, for the maintenance database `postgres`.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let (password, port) = (&self.password, self.port);
        format!("postgres://{SUPERUSER}:{password}@127.0.0.1:{port}/{database}")
    }

    /// The same through the unix socket: no password, less work per round trip, and reachable only
    /// for the server's account and root.
    #[must_use]
    pub fn socket_url(&self, database: &str) -> String {
        let host: String =
            self.socket_dir().as_os_str().as_encoded_bytes().iter().map(percent).collect();
        format!("postgres://{SUPERUSER}@localhost:{}/{database}?host={host}", self.port)
    }

    /// The TCP port on 127.0.0.1, the same over stop and start.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where the cluster really is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.folder.dir
    }

    /// The folder that was asked for, if the server's account could not reach it and [`Self::dir`]
    /// is a stand-in: name both to the user.
    #[must_use]
    pub fn moved_from(&self) -> Option<&Path> {
        let asked = self.options.dir.canonicalize();
        let moved = asked.is_ok_and(|asked| asked != self.folder.dir);
        moved.then_some(self.options.dir.as_path())
    }

    /// The folder of the unix socket.
    #[must_use]
    pub fn socket_dir(&self) -> &Path {
        &self.folder.socket_dir
    }

    /// What the server said.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.log()
    }

    /// The postmaster's process id, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<i32> {
        self.server.as_ref().map(Server::pid)
    }

    /// The processes that serve a client each.
    #[must_use]
    pub fn backend_pids(&self) -> Vec<i32> {
        self.pid().map(backends).unwrap_or_default()
    }

    /// Kills one process of this cluster as the kernel would when memory is short; the server then
    /// breaks off every session and recovers by itself. False when `pid` is not of this cluster.
    pub fn kill9_backend(&self, pid: i32) -> bool {
        let ours = of_folder(&self.folder.data()).contains(&pid);
        if ours {
            signal(pid, nix::sys::signal::Signal::SIGKILL);
        }
        ours
    }

    /// Stops the server and waits until it is gone; [`Self::start`] brings it back.
    pub fn stop(&mut self, mode: Mode) {
        if let Some(mut server) = self.server.take() {
            server.stop(mode);
        }
    }

    /// Kills the postmaster as a power cut would; its orphans end by themselves or at the next start.
    pub fn kill9(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill9();
        }
    }

    /// Starts a stopped server on the same port and waits until it serves; nothing to do if it runs.
    ///
    /// # Errors
    /// As [`Cluster::open`].
    pub fn start(&mut self) -> Result<(), ClusterError> {
        if self.server.is_none() {
            let options = Options { port: Some(self.port), ..self.options.clone() };
            self.server = Some(Server::start(&self.folder, &options)?);
        }
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop(if self.options.remove { Mode::Immediate } else { Mode::Fast });
        if self.options.remove {
            let data = self.folder.data();
            wait_until(crate::limits::DIE_MAX, || of_folder(&data).is_empty());
            for dir in [&self.folder.dir, &self.folder.socket_dir, &self.options.dir] {
                // Mostly all three went with the first.
                std::fs::remove_dir_all(dir).unwrap_or_default();
            }
        }
    }
}

fn percent(byte: &u8) -> String {
    match byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
        true => char::from(*byte).to_string(),
        false => format!("%{byte:02X}"),
    }
}
