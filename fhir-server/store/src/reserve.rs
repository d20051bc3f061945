//! What keeps reads going on a full disk. Space is held back in the database; the first write that
//! finds the disk full gives it back and closes the door to writes. What is left then belongs to
//! the audit records of reads, until the space can be taken again with room to spare.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use canonical_model::{Kind, Result};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{Postgres, Row};
use tokio::sync::Mutex;

use crate::error::{StoreError, disk_full};
use crate::limits::{PAGES_PER_MIB, RESERVE_EVERY_MS};
use crate::sessions::Sessions;

/// Transactions that take the space: one proves that there is room for twice as much, one takes it, one gives the proof
/// back.
const STEPS: usize = 3;

/// The space held back, and whether it was needed.
#[derive(Debug)]
pub(crate) struct Reserve {
    sessions: Sessions,
    /// Pages of 8 KiB; 0 holds nothing back and never closes the door.
    pages: i32,
    full: AtomicBool,
    /// One at a time: whoever gives back waits for a try to take, which needs all space for itself.
    turn: Mutex<()>,
}

impl Reserve {
    pub(crate) fn new(sessions: Sessions, mib: u16) -> Self {
        let pages = i32::from(mib).saturating_mul(PAGES_PER_MIB);
        Self { sessions, pages, full: AtomicBool::new(false), turn: Mutex::default() }
    }

    /// Refuses a write while the disk is full.
    pub(crate) fn admit(&self) -> Result<()> {
        if self.full.load(Ordering::Relaxed) { Err(disk_full()) } else { Ok(()) }
    }

    /// Passes an outcome on. Where it is that the disk is full, the space is given back first.
    pub(crate) async fn watch<T>(&self, outcome: Result<T>) -> Result<T> {
        if let Err(error) = &outcome
            && error.kind == Kind::StorageFull
        {
            self.give_back().await;
        }
        outcome
    }

    /// Closes the door to writes and frees the space.
    async fn give_back(&self) {
        if self.pages == 0 {
            return;
        }
        self.full.store(true, Ordering::Relaxed);
        let _turn = self.turn.lock().await;
        let given = self.sessions.execute(sqlx::query("select give_reserve_back()")).await;
        match given {
            Ok(_) => tracing::error!("The disk is full: writes are refused, reads go on."),
            Err(error) => {
                tracing::error!(error = ?error, "The reserve stays.");
            }
        }
    }

    /// Takes the space where it is not held, and opens the door to writes again.
    async fn take(&self) -> Result<()> {
        let _turn = self.turn.lock().await;
        if self.is_held().await? {
            self.open();
            return Ok(());
        }
        // Each step writes as much as is held back, which may take seconds: that is no slow statement to warn of.
        let sessions = self.sessions.unwatched("reserve", 1);
        let taken = self.steps(&sessions).await;
        sessions.close().await;
        taken
    }

    /// Takes what is missing, step by step.
    async fn steps(&self, sessions: &Sessions) -> Result<()> {
        for _ in 0..STEPS {
            let step = sqlx::query("select take_reserve($1)").bind(self.pages);
            match yes(sessions, step).await {
                Ok(false) => {}
                Ok(true) => {
                    self.open();
                    return Ok(());
                }
                Err(error) => {
                    if error.kind == Kind::StorageFull {
                        self.full.store(true, Ordering::Relaxed);
                        // What the step took until then.
                        self.sessions.execute(sqlx::query("select give_reserve_back()")).await?;
                    }
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Whether all of it is there, and no proof of room beside it.
    async fn is_held(&self) -> Result<bool> {
        let query = sqlx::query(
            "select pg_relation_size('reserve') >= $1::integer * 8192::bigint
                and pg_relation_size('reserve_proof') = 0",
        );
        yes(&self.sessions, query.bind(self.pages)).await
    }

    /// Opens the door to writes, where it was shut.
    fn open(&self) {
        if self.full.swap(false, Ordering::Relaxed) {
            tracing::info!("The disk has room again: writes are accepted.");
        }
    }

    /// Keeps the space held, for ever.
    pub(crate) async fn keep(&self) {
        if self.pages == 0 {
            return std::future::pending().await;
        }
        let mut ticks = tokio::time::interval(Duration::from_millis(RESERVE_EVERY_MS));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = self.take().await {
                tracing::warn!(error = ?error, "The reserve for a full disk is not held.");
            }
        }
    }
}

/// The answer to a question, which is yes or no.
async fn yes(sessions: &Sessions, question: Query<'_, Postgres, PgArguments>) -> Result<bool> {
    match sessions.fetch_optional(question).await? {
        Some(row) => row.try_get(0).map_err(|fault| StoreError(fault).into()),
        None => Ok(false),
    }
}
