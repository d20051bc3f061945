//! The real binary as a child: started, killed, asked to end, started again at the same address.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use auth::{Secret, SecretHash};
use tokio::process::{Child, Command};

use super::wait::until;
use crate::client::Client;
use crate::notary::SEAL_KEY;

/// The client that the server knows.
pub(super) const CLIENT: &str = "ledger";
/// Its secret.
pub(super) const SECRET: &str = "kept-only-for-the-length-of-a-test";
/// A binary start on a machine that does much else.
const START_MAX: Duration = Duration::from_secs(30);
/// One question to `/readyz`.
const PROBE_MAX: Duration = Duration::from_secs(5);
/// Ports below those that the kernel gives to outgoing connections: while the server is dead, none
/// of those can take its place.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A running `carebridge serve`. Dropping it kills it.
#[derive(Debug)]
pub struct ServerProcess {
    /// `http://127.0.0.1:…`.
    pub origin: String,
    folder: PathBuf,
    binary: PathBuf,
    address: String,
    database_url: String,
    seal_key: Option<&'static str>,
    child: Option<Child>,
}

impl ServerProcess {
    /// Starts one on a migrated database and waits until it is ready.
    ///
    /// # Errors
    /// The binary is missing, or the server does not get ready.
    pub async fn start(database_url: &str) -> Result<Self> {
        Self::start_with(database_url, 0, None).await
    }

    /// Starts one that seals the record of accesses, each second.
    ///
    /// # Errors
    /// As [`ServerProcess::start`].
    pub async fn start_sealed(database_url: &str) -> Result<Self> {
        Self::start_with(database_url, 0, Some(SEAL_KEY)).await
    }

    /// Starts one with these settings besides, which say what it logs.
    ///
    /// # Errors
    /// As [`ServerProcess::start`].
    pub async fn start_saying(database_url: &str, settings: &str) -> Result<Self> {
        Self::start_by(database_url, &(settings_without_log(0, true)? + settings), None).await
    }

    /// Starts one that holds this many MiB back for a full disk.
    ///
    /// # Errors
    /// As [`ServerProcess::start`].
    pub async fn start_with_reserve(database_url: &str, mib: u16) -> Result<Self> {
        Self::start_with(database_url, mib, None).await
    }

    async fn start_with(
        database_url: &str,
        mib: u16,
        seal_key: Option<&'static str>,
    ) -> Result<Self> {
        let settings =
            settings_without_log(mib, seal_key.is_none())? + "[log]\nfilter = \"warn\"\n";
        Self::start_by(database_url, &settings, seal_key).await
    }

    async fn start_by(
        database_url: &str,
        settings: &str,
        seal_key: Option<&'static str>,
    ) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("carebridge-ledger-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("carebridge.toml"), settings)?;
        let address = format!("127.0.0.1:{}", free_port()?);
        let mut server = Self {
            origin: format!("http://{address}"),
            folder,
            binary: binary()?,
            address,
            database_url: database_url.to_owned(),
            seal_key,
            child: None,
        };
        server.restart().await?;
        Ok(server)
    }

    /// A client that may do everything.
    ///
    /// # Errors
    /// The server gives no token.
    pub async fn client(&self) -> Result<Client> {
        Client::connect(&self.origin, CLIENT, SECRET).await
    }

    /// Starts it again where it was; returns how long it took to be ready.
    ///
    /// # Errors
    /// It does not get ready; what it said is in the error.
    pub async fn restart(&mut self) -> Result<Duration> {
        let log = File::options().create(true).append(true).open(self.log())?;
        let child = Command::new(&self.binary)
            .arg("serve")
            .env("CAREBRIDGE_CONFIG", self.folder.join("carebridge.toml"))
            .env("CAREBRIDGE_DATABASE_URL", &self.database_url)
            .env("CAREBRIDGE_LISTEN", &self.address)
            .envs(self.seal_key.map(|key| ("CAREBRIDGE_SEAL_KEY", key)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} does not start", self.binary.display()))?;
        let child = self.child.insert(child);
        let mut ended = None;
        let ready = until("the server is ready", START_MAX, async || {
            ended = child.try_wait().ok().flatten();
            ended.is_some() || is_ready(&self.origin).await
        })
        .await;
        match (ready, ended) {
            (Ok(took), None) => Ok(took),
            (Err(late), None) => Err(late.context(self.said())),
            (_, Some(status)) => bail!("the server ended with {status}: {}", self.said()),
        }
    }

    /// Kills it as a power cut would.
    ///
    /// # Errors
    /// It is not running.
    pub async fn kill9(&mut self) -> Result<()> {
        let mut child = self.child.take().context("the server is not running")?;
        child.kill().await?;
        Ok(())
    }

    /// Sends SIGTERM.
    ///
    /// # Errors
    /// It is not running.
    pub async fn terminate(&self) -> Result<()> {
        let pid = self.child.as_ref().and_then(Child::id).context("the server is not running")?;
        let sent = Command::new("kill").args(["-TERM", &pid.to_string()]).status().await?;
        ensure!(sent.success(), "SIGTERM was not sent");
        Ok(())
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// It is not running.
    pub async fn wait(&mut self) -> Result<ExitStatus> {
        let mut child = self.child.take().context("the server is not running")?;
        Ok(child.wait().await?)
    }

    /// Everything it has said.
    #[must_use]
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // Left behind only where the temporary directory itself fails.
        std::fs::remove_dir_all(&self.folder).unwrap_or_default();
    }
}

/// Whether a server is ready for requests.
pub(super) async fn is_ready(origin: &str) -> bool {
    static PROBE: OnceLock<Option<reqwest::Client>> = OnceLock::new();
    let build = || {
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        reqwest::Client::builder().no_proxy().timeout(PROBE_MAX).build().ok()
    };
    let Some(probe) = PROBE.get_or_init(build) else { return false };
    let answer = probe.get(format!("{origin}/readyz")).header("connection", "close").send().await;
    answer.is_ok_and(|answer| answer.status().is_success())
}

/// How old a row may be that is not sealed, in seconds.
const UNSEALED_S_MAX: u32 = 3;

fn settings_without_log(reserve_mib: u16, unsealed: bool) -> Result<String> {
    let secret = SecretHash::of(&Secret::new(SECRET.to_owned()))?;
    Ok(format!(
        "[database]\nconnections = 8\nreserve_mib = {reserve_mib}\n[auth]\nsigning_key = \"signing-key.pem\"\n\
         [[client]]\nid = \"{CLIENT}\"\nsecret = \"{secret}\"\nscope = \"system/*.cruds\"\n\
         [seal]\nnone = {unsealed}\n[audit]\nseal_every_s = 1\nunsealed_max_s = {UNSEALED_S_MAX}\n"
    ))
}

/// `target/PROFILE/carebridge`, beside the folder of this test's own binary.
///
/// # Errors
/// It was not built.
pub fn binary() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let profile = own.parent().and_then(Path::parent).context("a test runs in target/*/deps")?;
    let binary = profile.join("carebridge");
    ensure!(
        binary.is_file(),
        "{} is missing: run the tests by `cargo xtask test`, or build it by `cargo build --workspace --bin carebridge`.",
        binary.display()
    );
    Ok(binary)
}

fn free_port() -> Result<u16> {
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let mut tries = std::iter::repeat_with(|| fastrand::u16(PORTS)).take(1_000);
    tries.find(free).context("no port is free")
}
