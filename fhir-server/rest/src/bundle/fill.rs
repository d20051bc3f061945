//! How full the bundle of a batch's or transaction's answers is: entries that read are many times as small as what
//! they ask for.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use canonical_model::{Error, Issue, Kind, Result};

use crate::answer::{Answer, Body};
use crate::limits::BUNDLE_ANSWER_BYTES_MAX;

/// What an issue has beside its texts.
const ISSUE_BYTES: usize = 80;

/// Bytes of the answers so far.
#[derive(Debug, Default)]
pub(crate) struct Fill(AtomicUsize);

impl Fill {
    /// Refuses an entry that reads, before it is performed, where there is no room.
    ///
    /// # Errors
    /// TooLarge.
    pub(crate) fn expect_room(&self) -> Result<()> {
        match self.0.load(Relaxed) < BUNDLE_ANSWER_BYTES_MAX {
            true => Ok(()),
            false => Err(full()),
        }
    }

    /// Takes in what an entry tells that has written, if it fits. What it did stands, so that without room the answer says
    /// where the content is. The version's own text is in the answer, or not wanted.
    pub(crate) fn take_written(&self, mut answer: Answer) -> Answer {
        if let Some(version) = &mut answer.version {
            version.text = None;
        }
        if self.take_bytes(bytes(&answer.body)).is_err() {
            answer.body = Body::Empty;
        }
        if self.take_bytes(of_issues(&answer.faults)).is_err() {
            answer.faults.truncate(1);
        }
        answer
    }

    /// Takes in what an entry has read.
    ///
    /// # Errors
    /// TooLarge where it does not fit: what comes later may.
    pub(crate) fn take(&self, answer: Answer) -> Result<Answer> {
        self.take_bytes(bytes(&answer.body)).map(|()| answer)
    }

    /// Takes in why an entry was refused: without room the first of the reasons.
    pub(crate) fn take_refused(&self, mut error: Error) -> Error {
        if self.take_bytes(of_issues(&error.issues)).is_err() {
            error.issues.truncate(1);
        }
        error
    }

    fn take_bytes(&self, bytes: usize) -> Result<()> {
        let before = self.0.fetch_add(bytes, Relaxed);
        if before + bytes > BUNDLE_ANSWER_BYTES_MAX {
            self.0.fetch_sub(bytes, Relaxed);
            return Err(full());
        }
        Ok(())
    }
}

fn bytes(body: &Body) -> usize {
    match body {
        Body::Fhir(text) => text.len(),
        Body::Outcome(text) => text.len(),
        Body::Empty | Body::Around(..) | Body::Raw { .. } => 0,
    }
}

/// About as much as issues take in an outcome.
fn of_issues(issues: &[Issue]) -> usize {
    let one = |issue: &Issue| {
        ISSUE_BYTES + issue.diagnostics.len() + issue.expression.as_ref().map_or(0, String::len)
    };
    issues.iter().map(one).sum()
}

fn full() -> Error {
    let text = format!(
        "All answers of one bundle have at most {} MiB: ask for this one in another request.",
        BUNDLE_ANSWER_BYTES_MAX / 1024 / 1024
    );
    Error::new(Kind::TooLarge, text)
}
