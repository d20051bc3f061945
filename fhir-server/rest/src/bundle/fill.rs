//! How full the bundle of a batch's or transaction's answers is: entries that read are many times as small as what
//! they ask for.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use canonical_model::{Error, Kind, Result};

use crate::answer::{Answer, Body};
use crate::limits::BUNDLE_ANSWER_BYTES_MAX;

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
    /// where the content is.
    pub(crate) fn take_written(&self, answer: Answer) -> Answer {
        let Body::Fhir(text) = &answer.body else { return answer };
        match self.take_bytes(text.len()) {
            Ok(()) => answer,
            Err(_) => Answer { body: Body::Empty, ..answer },
        }
    }

    /// Takes in what an entry has read.
    ///
    /// # Errors
    /// TooLarge where it does not fit: what comes later may.
    pub(crate) fn take(&self, answer: Answer) -> Result<Answer> {
        let bytes = match &answer.body {
            Body::Fhir(text) => text.len(),
            _ => 0,
        };
        self.take_bytes(bytes).map(|()| answer)
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

fn full() -> Error {
    let text = format!(
        "All answers of one bundle have at most {} MiB: ask for this one in another request.",
        BUNDLE_ANSWER_BYTES_MAX / 1024 / 1024
    );
    Error::new(Kind::TooLarge, text)
}
