//! The private PostgreSQL of `dev`: opened with its database, watched, started again when it dies.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use cluster::{Cluster, ClusterError, Mode, Options};
use sqlx::migrate::MigrateDatabase;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::limits::{RESTART_PAUSE, WATCH_EVERY};

/// The tenant's database in it.
const DATABASE: &str = "carebridge";

/// A running PostgreSQL.
#[derive(Debug)]
pub(crate) struct Postgres {
    url: String,
    public_url: String,
    folder: PathBuf,
    log: PathBuf,
    moved: bool,
    stop: DropGuard,
    watching: JoinHandle<()>,
    cluster: Arc<Mutex<Cluster>>,
}

impl Postgres {
    /// Opens the one in `home`, making it where it is absent.
    pub(crate) async fn open(home: &Path) -> Result<Self> {
        let options = Options::at(home);
        let cluster = spawn_blocking(move || Cluster::open(options)).await??;
        let (url, public_url) = (cluster.socket_url(DATABASE), cluster.url(DATABASE));
        if !sqlx::Postgres::database_exists(&url).await.context("PostgreSQL does not answer")? {
            let made = sqlx::Postgres::create_database(&url).await;
            made.with_context(|| format!("The database `{DATABASE}` cannot be made"))?;
        }
        let stop = CancellationToken::new();
        let (folder, log) = (cluster.dir().to_owned(), cluster.log());
        let moved = cluster.moved_from().is_some();
        let cluster = Arc::new(Mutex::new(cluster));
        let watching = tokio::spawn(watch(Arc::clone(&cluster), stop.clone()));
        let stop = stop.drop_guard();
        Ok(Self { url, public_url, folder, log, moved, stop, watching, cluster })
    }

    /// The address for the server: through the socket, which others cannot reach.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The address for people and their tools.
    pub(crate) fn public_url(&self) -> &str {
        &self.public_url
    }

    /// Where the data really is.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What PostgreSQL said.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Whether the data is elsewhere than was asked, for its account cannot reach that folder.
    pub(crate) fn moved(&self) -> bool {
        self.moved
    }

    /// Stops it and waits until it is gone.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        drop(self.watching.await);
        let cluster = self.cluster;
        drop(spawn_blocking(move || lock(&cluster).stop(Mode::Fast)).await);
    }
}

/// A panic elsewhere leaves the handle as it was.
fn lock(cluster: &Mutex<Cluster>) -> std::sync::MutexGuard<'_, Cluster> {
    cluster.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts it again whenever it is gone. The kernel or a person may kill it; PostgreSQL itself
/// recovers from the death of its parts.
async fn watch(cluster: Arc<Mutex<Cluster>>, stop: CancellationToken) {
    let mut pause = WATCH_EVERY;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(pause) => {}
        }
        let held = Arc::clone(&cluster);
        let looked = spawn_blocking(move || revive(&mut lock(&held))).await;
        pause = match looked {
            Ok(Ok(())) | Err(_) => WATCH_EVERY,
            Ok(Err(error)) => {
                tracing::error!("{error}");
                RESTART_PAUSE
            }
        };
    }
}

fn revive(cluster: &mut Cluster) -> Result<(), ClusterError> {
    if cluster.pid().is_some_and(lives) {
        return Ok(());
    }
    tracing::warn!("PostgreSQL has ended; starting it again.");
    // Clears the handle of the dead process.
    cluster.stop(Mode::Immediate);
    cluster.start()?;
    tracing::info!("PostgreSQL is back.");
    Ok(())
}

/// Whether a child of ours is more than a zombie.
fn lives(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // `pid (name) state …`; the name may hold spaces and brackets.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}
