//! The book itself.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::watch;
use tokio::time::timeout;

/// How long the clients may take to get the answers that a test waits for.
const PROGRESS_MAX: Duration = Duration::from_secs(90);

/// What a client knows of an operation after it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Success, with the versions that the answer says were written, as `id/version`.
    Acknowledged(Vec<String>),
    /// A refusal: 4xx, or 507. Nothing may be there.
    Refused(u16),
    /// The server could not be reached: nothing may be there.
    NotSent,
    /// 5xx, or the connection broke: it may be there, once and whole, or not.
    Unknown,
}

/// One operation.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its own number: the request's `X-Request-Id`, and an identifier in all content it writes.
    pub id: String,
    /// How many versions it writes if it succeeds and changes something.
    pub writes: usize,
    /// None until it is answered.
    pub outcome: Option<Outcome>,
}

/// What all clients wrote down. Clones are one book.
#[derive(Clone, Debug)]
pub struct Ledger(Arc<Book>);

#[derive(Debug)]
struct Book {
    lines: Mutex<Vec<Line>>,
    acknowledged: watch::Sender<usize>,
}

impl Default for Ledger {
    fn default() -> Self {
        let (acknowledged, _) = watch::channel(0);
        Self(Arc::new(Book { lines: Mutex::default(), acknowledged }))
    }
}

impl Ledger {
    /// Writes an operation down before it is sent; returns its place.
    #[must_use]
    pub fn sending(&self, id: &str, writes: usize) -> usize {
        let mut lines = self.0.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(Line { id: id.to_owned(), writes, outcome: None });
        lines.len() - 1
    }

    /// Writes its answer down.
    pub fn answered(&self, place: usize, outcome: Outcome) {
        let success = matches!(outcome, Outcome::Acknowledged(_));
        let mut lines = self.0.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = lines.get_mut(place) {
            line.outcome = Some(outcome);
        }
        drop(lines);
        if success {
            self.0.acknowledged.send_modify(|count| *count += 1);
        }
    }

    /// Waits until so many more operations have succeeded.
    ///
    /// # Errors
    /// They do not in time.
    pub async fn progress(&self, more: usize) -> Result<()> {
        let mut count = self.0.acknowledged.subscribe();
        let goal = *count.borrow() + more;
        let reached = timeout(PROGRESS_MAX, count.wait_for(|count| *count >= goal)).await;
        reached.context("the clients no longer get on")?.map(drop).context("the book is gone")
    }

    /// All lines so far.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        self.0.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
