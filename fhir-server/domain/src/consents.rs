//! Whether there are Consents that could deny anything: asked of the database now and then, so that where there are none
//! nobody pays for them.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use canonical_model::{Error, Kind, Result};
use store::Consents;

use crate::Domain;
use crate::limits::CONSENTS_FOR_MS;

/// What was known last, and when.
#[derive(Debug, Default)]
pub(crate) struct Known(Mutex<Option<(Instant, Consents)>>);

impl Known {
    /// Notes that there is one from now on: it is about to be written.
    pub(crate) fn expect(&self) {
        self.put(Consents::Some);
    }

    fn put(&self, consents: Consents) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), consents));
    }

    fn get(&self) -> Option<Consents> {
        let known = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |since: &Instant| since.elapsed() < Duration::from_millis(CONSENTS_FOR_MS);
        known.filter(|(since, _)| fresh(since)).map(|(_, consents)| consents)
    }
}

/// Whether there are any.
///
/// # Errors
/// Unavailable while those that are stored are not read in, for then nobody knows what they deny; Internal.
pub(crate) async fn any(domain: &Domain) -> Result<bool> {
    let known = &domain.shared.consents;
    let consents = match known.get() {
        Some(consents) => consents,
        None => {
            let found = domain.store().consents().await?;
            known.put(found);
            found
        }
    };
    match consents {
        Consents::None => Ok(false),
        Consents::Some => Ok(true),
        Consents::Unread => {
            let text =
                "The Consents that are stored here are still being read in. Try again later.";
            Err(Error::new(Kind::Unavailable, text))
        }
    }
}
