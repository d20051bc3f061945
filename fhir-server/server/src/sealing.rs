//! Seals the record of accesses behind those who write it, and says where its chain stands.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use store::record::Retired;
use store::{Notary, RecordHead, Sealed};
use telemetry::event::{RecordSealed, RecordUnsealed};
use telemetry::{Clock, Emit};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::limits::{HEAD_EVERY, RETIRE_EVERY, SEAL_PAUSES, UNSEALED_LOOK_EVERY};
use crate::settings::AuditSettings;

/// Seals until told to stop.
pub(crate) fn sealing(
    notary: Notary,
    settings: AuditSettings,
    clock: Clock,
    stop: CancellationToken,
) -> JoinHandle<()> {
    let heads = Heads { file: settings.heads.clone(), newest: None, said: None };
    let work = Work { notary, settings, clock, heads, failing: false, retired: None, looked: None };
    tokio::spawn(work.go_on(stop))
}

struct Work {
    notary: Notary,
    settings: AuditSettings,
    clock: Clock,
    heads: Heads,
    failing: bool,
    /// When it was last looked for months that have had their time, and for rows that wait.
    retired: Option<Instant>,
    looked: Option<Instant>,
}

impl Work {
    async fn go_on(mut self, stop: CancellationToken) {
        loop {
            let pause = self.seal().await;
            self.heads.say_in_time().await;
            self.look_in_time().await;
            self.retire_in_time().await;
            tokio::select! {
                () = stop.cancelled() => break,
                () = sleep(pause) => {}
            }
        }
        self.heads.say().await;
        self.notary.close().await;
    }

    /// Looks whether sealing stands still, whatever the reason is: it does not come on, or a transaction that nobody
    /// ends holds it back.
    async fn look_in_time(&mut self) {
        let age_max = self.settings.unsealed_max;
        let every = (age_max / 2).min(UNSEALED_LOOK_EVERY);
        if self.looked.is_some_and(|at| at.elapsed() < every) {
            return;
        }
        self.looked = Some(Instant::now());
        match self.notary.unsealed_since().await {
            Ok(since) => {
                let age = since.map(|since| self.clock.now() - since);
                let age = age.and_then(|age| age.to_std().ok()).unwrap_or_default();
                RecordUnsealed { age, age_max }.emit();
            }
            Err(error) => {
                tracing::error!(%error, cause = ?error.cause, "Whether sealing stands still is not known.");
            }
        }
    }

    /// Drops months that have had their time.
    async fn retire_in_time(&mut self) {
        if self.retired.is_some_and(|at| at.elapsed() < RETIRE_EVERY) {
            return;
        }
        self.retired = Some(Instant::now());
        let keep_months = self.settings.keep_months.into();
        match self.notary.retire(keep_months, self.clock.now()).await {
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
                if more { rest } else { rest.max(self.settings.seal_every) }
            }
            Err(error) => {
                // Said once: it is tried again all the time.
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::warn!(%error, cause = ?error.cause, "The record of accesses could not be sealed.");
                }
                self.settings.seal_every
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
