//! Seals the record of accesses behind those who write it, and says where its chain stands.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use store::record::Retired;
use store::{Notary, RecordHead, Sealed};
use telemetry::Emit;
use telemetry::event::RecordSealed;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::limits::{HEAD_EVERY, RETIRE_EVERY, SEAL_PAUSES};
use crate::settings::AuditSettings;

/// Seals until told to stop.
pub(crate) fn sealing(
    notary: Notary,
    settings: AuditSettings,
    stop: CancellationToken,
) -> JoinHandle<()> {
    let heads = Heads { file: settings.heads.clone(), newest: None, said: None };
    let AuditSettings { seal_every: every, keep_months, .. } = settings;
    let work = Work { notary, every, keep_months, heads, failing: false, retired: None };
    tokio::spawn(work.go_on(stop))
}

struct Work {
    notary: Notary,
    every: Duration,
    keep_months: u16,
    heads: Heads,
    failing: bool,
    retired: Option<Instant>,
}

impl Work {
    async fn go_on(mut self, stop: CancellationToken) {
        loop {
            let pause = self.seal().await;
            self.heads.say_in_time().await;
            self.retire_in_time().await;
            tokio::select! {
                () = stop.cancelled() => break,
                () = sleep(pause) => {}
            }
        }
        self.heads.say().await;
        self.notary.close().await;
    }

    /// Drops months that have had their time.
    async fn retire_in_time(&mut self) {
        if self.retired.is_some_and(|at| at.elapsed() < RETIRE_EVERY) {
            return;
        }
        self.retired = Some(Instant::now());
        match self.notary.retire(self.keep_months.into()).await {
            Ok(Retired { gone, kept }) => {
                for (month, rows) in gone {
                    let month = month.to_string();
                    tracing::info!(
                        month,
                        rows,
                        "A month of the record of accesses has had its time."
                    );
                }
                for month in kept {
                    let month = month.to_string();
                    tracing::info!(
                        month,
                        "A month of the record stays: it is under hold, or not all sealed."
                    );
                }
            }
            Err(error) => {
                tracing::warn!(%error, cause = ?error.cause, "Old months of the record could not be dropped.");
            }
        }
    }

    /// Seals once; returns for how long to pause then.
    async fn seal(&mut self) -> Duration {
        let begun = Instant::now();
        let outcome = self.notary.seal_more().await;
        let elapsed = begun.elapsed();
        match outcome {
            Ok(Sealed { rows, more, head }) => {
                if rows > 0 {
                    RecordSealed { rows, elapsed }.emit();
                }
                self.failing = false;
                self.heads.newest = head.or(self.heads.newest.take());
                let rest = elapsed * SEAL_PAUSES;
                if more { rest } else { rest.max(self.every) }
            }
            Err(error) => {
                // Said once: it is tried again all the time.
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::warn!(%error, cause = ?error.cause, "The record of accesses could not be sealed.");
                }
                self.every
            }
        }
    }
}

/// Where the chain stands, told to those who keep it elsewhere.
struct Heads {
    file: Option<PathBuf>,
    /// Not told yet.
    newest: Option<RecordHead>,
    said: Option<Instant>,
}

impl Heads {
    async fn say_in_time(&mut self) {
        if self.said.is_none_or(|said| said.elapsed() >= HEAD_EVERY) {
            self.say().await;
        }
    }

    async fn say(&mut self) {
        let Some(head) = self.newest.take() else { return };
        let RecordHead { seal, kid, .. } = &head;
        tracing::info!(seal, head = head.hex(), kid, "The record of accesses is sealed to here.");
        self.said = Some(Instant::now());
        let Some(file) = self.file.clone() else { return };
        let line = line(&head);
        let written = spawn_blocking(move || append(&file, &line)).await;
        if let Ok(Err(error)) = written {
            tracing::warn!(%error, "Where the record's chain stands could not be written to `heads`.");
            self.newest = Some(head);
        }
    }
}

fn line(head: &RecordHead) -> String {
    let sealed_at = head.sealed_at.to_rfc3339();
    let RecordHead { seal, kid, .. } = head;
    format!("{}\n", json!({ "seal": seal, "head": head.hex(), "sealed_at": sealed_at, "kid": kid }))
}

fn append(file: &Path, line: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(file)?;
    file.write_all(line.as_bytes())?;
    file.sync_data()
}
