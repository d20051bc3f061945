//! The browser's process: found, started with a profile of its own, ended with the test.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::look::LIBRARIES;
use super::tab::Tab;
use super::wire::Wire;

/// The protocol is spoken on descriptors 3 and 4; a shell puts the pipes of ours there.
const PIPES: &str = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null"#;

/// Nothing of it reaches out of the machine, nothing asks, nothing is kept.
const FLAGS: [&str; 17] = [
    "--headless",
    "--remote-debugging-pipe",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-sync",
    "--disable-features=Translate,OptimizationHints,MediaRouter",
    "--force-color-profile=srgb",
    "--lang=en-GB",
    "--mute-audio",
    "--password-store=basic",
];

/// A running browser. Dropping it ends it and removes its profile.
#[derive(Debug)]
pub struct Browser {
    process: Child,
    profile: PathBuf,
    wire: Arc<Wire>,
}

impl Browser {
    /// Starts one; `None`, said loudly, where there is none or what its tests load is not installed.
    ///
    /// # Errors
    /// It does not start; or it is not there on an integration server (`CI`), where it must be.
    #[expect(clippy::print_stderr, reason = "a skipped test must be heard")]
    pub async fn start() -> Result<Option<Self>> {
        if let Some(missing) = missing() {
            if std::env::var_os("CI").is_some() {
                bail!("{missing}");
            }
            eprintln!("SKIPPED: {missing}");
            return Ok(None);
        }
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("carebridge-browser-{}-{number}", std::process::id());
        let profile = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&profile)?;
        let mut command = Command::new("sh");
        command.args(["-c", PIPES, "chromium"]).args(FLAGS);
        command.arg(format!("--user-data-dir={}", profile.display()));
        if cluster::is_root() {
            command.arg("--no-sandbox");
        }
        // What it says where it does not start.
        let words = std::fs::File::create(profile.join("stderr"))?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(words);
        let mut process = command.spawn().context("sh")?;
        let (output, input) = (process.stdin.take(), process.stdout.take());
        let wire = Wire::new(input.context("a pipe")?, output.context("a pipe")?);
        let browser = Self { process, profile, wire: Arc::new(wire) };
        let version = browser.wire.call("", "Browser.getVersion", json!({})).await;
        version.with_context(|| browser.words())?;
        Ok(Some(browser))
    }

    /// Somebody's browser: with cookies and storage of its own.
    ///
    /// # Errors
    /// It has ended.
    pub async fn tab(&self) -> Result<Tab> {
        Tab::open(Arc::clone(&self.wire)).await
    }

    fn words(&self) -> String {
        std::fs::read_to_string(self.profile.join("stderr")).unwrap_or_default()
    }
}

/// What is not there, and how to get it.
fn missing() -> Option<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if !std::env::split_paths(&path).any(|folder| folder.join("chromium").is_file()) {
        return Some(
            "no browser; `cargo xtask test` installs it, or apt-get install chromium.".to_owned(),
        );
    }
    let absent = LIBRARIES.iter().find(|path| !Path::new(path).is_file())?;
    Some(format!("no {absent}; `cargo xtask test` installs it from npm."))
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.process.kill().unwrap_or_default();
        drop(self.process.wait());
        // Its helpers end with it, and may be at their last words.
        for _ in 0..50 {
            if std::fs::remove_dir_all(&self.profile).is_ok() || !self.profile.exists() {
                break;
            }
            std::thread::yield_now();
        }
    }
}
