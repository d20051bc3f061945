//! Profiles that were looked up a moment ago: one that many resources claim is read and compiled once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ::terminology::Loaded;
use chrono::{DateTime, TimeDelta, Utc};
use conformance::profile::Profile;

use crate::limits::{PROFILES_REMEMBERED_MAX, PROFILES_TRUSTED_S};

/// A stored profile, with what it binds codes to.
#[derive(Debug)]
pub(crate) struct Learnt {
    /// Which version of which StructureDefinition.
    pub(super) source: (String, i32),
    pub(super) profile: Arc<Profile>,
    pub(super) value_sets: Loaded,
}

/// When a profile was looked up, and what was found.
type LookedUp = (DateTime<Utc>, Option<Arc<Learnt>>);

/// Profiles that were looked up, by their URLs.
#[derive(Debug, Default)]
pub(crate) struct Known(Mutex<HashMap<String, LookedUp>>);

impl Known {
    /// What is known of a URL lately: that there is none, or the profile.
    pub(super) fn lately(&self, url: &str, now: DateTime<Utc>) -> Option<Option<Arc<Learnt>>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(url).filter(|it| is_fresh(it, now)).map(|(_, found)| found.clone())
    }

    /// The profile as it was, however long ago.
    pub(super) fn once(&self, url: &str) -> Option<Arc<Learnt>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(url).and_then(|(_, found)| found.clone())
    }

    pub(super) fn put(&self, url: &str, now: DateTime<Utc>, found: Option<Arc<Learnt>>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= PROFILES_REMEMBERED_MAX {
            known.retain(|_, it| is_fresh(it, now));
        }
        if known.len() >= PROFILES_REMEMBERED_MAX {
            known.clear();
        }
        known.insert(url.to_owned(), (now, found));
    }
}

fn is_fresh((at, _): &LookedUp, now: DateTime<Utc>) -> bool {
    now - *at < TimeDelta::seconds(PROFILES_TRUSTED_S)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_trusted_for_a_while_and_bounded() {
        let (known, now) = (Known::default(), DateTime::<Utc>::UNIX_EPOCH);
        assert!(known.lately("a", now).is_none(), "never looked up");
        known.put("a", now, None);
        let after = |seconds| now + TimeDelta::seconds(seconds);
        assert!(matches!(known.lately("a", after(PROFILES_TRUSTED_S - 1)), Some(None)));
        assert!(known.lately("a", after(PROFILES_TRUSTED_S)).is_none(), "too long ago");
        for n in 0..PROFILES_REMEMBERED_MAX {
            known.put(&n.to_string(), after(PROFILES_TRUSTED_S), None);
        }
        let kept = known.0.lock().expect("nobody panicked").len();
        assert_eq!(kept, PROFILES_REMEMBERED_MAX, "what is old went first");
        known.put("b", after(PROFILES_TRUSTED_S), None);
        assert_eq!(known.0.lock().expect("nobody panicked").len(), 1);
    }
}
