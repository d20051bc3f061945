//! Keys by what they are for, as a server holds them: data keys by number, of which number 0 is where all others
//! come from ([ADR 0010](../../../docs/adr/0010-authorization-server-and-audit.md), section 5).
//!
//! The database holds them wrapped ([`crate::DataKeys`]). What was taken out of the wrapping is held for a while only:
//! a key that was taken back in the key management service opens nothing here after that.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use canonical_model::{Error, Kind, Result};
use telemetry::Ticks;

/// What a key is for; numbered as in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i16)]
pub enum Purpose {
    /// Elements of resources.
    Seal = 0,
    /// What sealed elements are found by.
    Blind = 1,
    /// What the authorization server makes and takes back.
    Auth = 2,
    /// Seals of the record.
    Record = 3,
    /// Secrets of accounts and vendors.
    Secret = 4,
}

impl Purpose {
    /// All.
    pub const ALL: [Self; 5] = [Self::Seal, Self::Blind, Self::Auth, Self::Record, Self::Secret];

    /// Its name, which keys are derived and wrapped under.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seal => "seal",
            Self::Blind => "blind",
            Self::Auth => "auth",
            Self::Record => "record",
            Self::Secret => "secret",
        }
    }
}

/// The keys of a server; none by default. Clones are the same ones. Prints nothing of them.
#[derive(Clone, Default)]
pub struct Keys(Option<Arc<Ring>>);

struct Ring {
    held: RwLock<Held>,
    ticks: Ticks,
    /// How long they are held after they were last taken out; none is for ever.
    forget: Option<Duration>,
}

/// Data keys, out of their wrapping.
#[derive(Clone)]
pub(crate) struct Held {
    pub(crate) keys: Vec<Opened>,
    /// The number of the key that seals from now on.
    pub(crate) seals: i32,
    /// When they were taken out, by the stopwatch.
    pub(crate) at: u64,
}

#[derive(Clone)]
pub(crate) struct Opened {
    pub(crate) number: i32,
    bytes: [u8; 32],
    cipher: Arc<LessSafeKey>,
}

impl Opened {
    pub(crate) fn new(number: i32, bytes: [u8; 32]) -> Result<Self> {
        let cipher = UnboundKey::new(&AES_256_GCM, &bytes).map_err(Error::internal)?;
        Ok(Self { number, bytes, cipher: Arc::new(LessSafeKey::new(cipher)) })
    }

    /// What seals and opens with it.
    pub(crate) fn cipher(&self) -> Arc<LessSafeKey> {
        Arc::clone(&self.cipher)
    }
}

impl Keys {
    /// Takes the one that the others come from: random, as `openssl rand` makes it. It is number 0, and held for ever.
    ///
    /// # Errors
    /// Internal.
    pub fn of_root(root: [u8; 32]) -> Result<Self> {
        let keys = vec![Opened::new(0, root)?];
        Ok(Self::of(Held { keys, seals: 0, at: 0 }, Ticks::system(), None))
    }

    pub(crate) fn of(held: Held, ticks: Ticks, forget: Option<Duration>) -> Self {
        Self(Some(Arc::new(Ring { held: RwLock::new(held), ticks, forget })))
    }

    /// Holds these from now on.
    pub(crate) fn replace(&self, held: Held) {
        if let Some(ring) = &self.0 {
            *ring.held.write().unwrap_or_else(PoisonError::into_inner) = held;
        }
    }

    /// The key of a purpose, of number 0. That which seals is the one given; who knows another learns nothing of it,
    /// nor of the rest (HKDF, RFC 5869).
    ///
    /// # Errors
    /// Unavailable with what to set, where there is none; Unavailable where they were forgotten.
    pub fn get(&self, purpose: Purpose) -> Result<[u8; 32]> {
        let root = self.opened(0)?.bytes;
        if purpose == Purpose::Seal {
            return Ok(root);
        }
        derive(&root, purpose.as_str())
    }

    /// The key that seals, with its number.
    pub(crate) fn sealing(&self) -> Result<(i32, Arc<LessSafeKey>)> {
        let number = self.ring()?.held.read().unwrap_or_else(PoisonError::into_inner).seals;
        Ok((number, self.opening(number)?))
    }

    /// The key that opens what the one of this number sealed.
    pub(crate) fn opening(&self, number: i32) -> Result<Arc<LessSafeKey>> {
        Ok(self.opened(number)?.cipher())
    }

    /// Whether there are none: nothing is sealed, and nothing that is opens.
    #[must_use]
    pub fn are_none(&self) -> bool {
        self.0.is_none()
    }

    fn ring(&self) -> Result<&Ring> {
        self.0.as_deref().ok_or_else(|| {
            Error::new(
                Kind::Unavailable,
                "There is no key for this: set CAREBRIDGE_SEAL_KEY, or `key_file` under `[seal]`.",
            )
        })
    }

    fn opened(&self, number: i32) -> Result<Opened> {
        let ring = self.ring()?;
        let held = ring.held.read().unwrap_or_else(PoisonError::into_inner);
        let age = Duration::from_nanos(ring.ticks.nanos().saturating_sub(held.at));
        if ring.forget.is_some_and(|forget| age > forget) {
            let text = "The keys of what is sealed cannot be had: whoever keeps the key that they are wrapped under has not answered for minutes. Try again later.";
            return Err(Error::new(Kind::Unavailable, text));
        }
        held.keys.iter().find(|key| key.number == number).cloned().ok_or_else(|| {
            let text = "A value is sealed with a key that this server does not have yet. Try again in a minute.";
            Error::new(Kind::Unavailable, text)
        })
    }
}

/// A key that follows from another, which it tells nothing of.
pub(crate) fn derive(root: &[u8; 32], name: &str) -> Result<[u8; 32]> {
    let mut key = [0; 32];
    Salt::new(HKDF_SHA256, b"carebridge data key")
        .extract(root)
        .expand(&[name.as_bytes()], HKDF_SHA256)
        .and_then(|made| made.fill(&mut key))
        .map_err(Error::internal)?;
    Ok(key)
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.are_none() { "Keys(none)" } else { "Keys(…)" })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_purpose_has_its_own_and_always_the_same() {
        let root = [7; 32];
        let of_root = |root| Keys::of_root(root).expect("keys");
        let keys = of_root(root);
        let all: Vec<_> = Purpose::ALL.map(|purpose| keys.get(purpose).expect("a key")).into();
        assert_eq!(all.first(), Some(&root), "what is sealed already opens");
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), Purpose::ALL.len());
        for (purpose, key) in Purpose::ALL.into_iter().zip(&all) {
            assert_eq!(&of_root(root).get(purpose).expect("a key"), key);
            if purpose != Purpose::Seal {
                assert_ne!(&of_root([8; 32]).get(purpose).expect("a key"), key);
            }
        }
        // What is made of them must open with the next release too.
        let auth = keys.get(Purpose::Auth).expect("a key");
        assert_eq!(auth.first_chunk(), Some(&[102, 198, 252, 129, 179, 53, 193, 234]));
        assert_eq!(format!("{keys:?}"), "Keys(…)");
    }

    #[test]
    fn without_one_each_says_what_to_set() {
        for purpose in Purpose::ALL {
            let refused = Keys::default().get(purpose).expect_err("there is none");
            assert_eq!(refused.kind, Kind::Unavailable);
            assert!(refused.issues.iter().any(|it| it.diagnostics.contains("CAREBRIDGE_SEAL_KEY")));
        }
    }

    #[test]
    fn what_nobody_took_out_anew_is_forgotten() {
        let ticks = Ticks::manual();
        let held = |at| Held {
            keys: vec![
                Opened::new(0, [7; 32]).expect("a key"),
                Opened::new(3, [9; 32]).expect("a key"),
            ],
            seals: 3,
            at,
        };
        let keys = Keys::of(held(ticks.nanos()), ticks.clone(), Some(Duration::from_secs(300)));
        assert!(keys.sealing().is_ok_and(|(number, _)| number == 3));
        assert!(keys.opening(0).is_ok());
        assert_eq!(keys.opening(2).err().map(|error| error.kind), Some(Kind::Unavailable));
        ticks.advance(Duration::from_secs(300));
        assert!(keys.get(Purpose::Auth).is_ok());
        ticks.advance(Duration::from_secs(1));
        for refused in [keys.get(Purpose::Seal).err(), keys.opening(0).err(), keys.sealing().err()]
        {
            assert_eq!(refused.map(|error| error.kind), Some(Kind::Unavailable));
        }
        let clone = keys.clone();
        keys.replace(held(ticks.nanos()));
        assert!(clone.opening(3).is_ok());
    }
}
