//! Keys by what they are for. All come from one that the operator gives, until the database holds them wrapped
//! ([ADR 0010](../../../docs/adr/0010-authorization-server-and-audit.md), section 5): it is key number 0 then.

use std::fmt;

use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use canonical_model::{Error, Kind, Result};

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

    fn as_str(self) -> &'static str {
        match self {
            Self::Seal => "seal",
            Self::Blind => "blind",
            Self::Auth => "auth",
            Self::Record => "record",
            Self::Secret => "secret",
        }
    }
}

/// The keys of a server; none by default. Prints nothing of them.
#[derive(Clone, Default)]
pub struct Keys(Option<[u8; 32]>);

impl Keys {
    /// Takes the one that the others come from: random, as `openssl rand` makes it.
    #[must_use]
    pub fn of_root(root: [u8; 32]) -> Self {
        Self(Some(root))
    }

    /// The key of a purpose. That which seals is the one given; who knows another learns nothing of it, nor of
    /// the rest (HKDF, RFC 5869).
    ///
    /// # Errors
    /// Unavailable with what to set, where none was given.
    pub fn get(&self, purpose: Purpose) -> Result<[u8; 32]> {
        let Some(root) = self.0 else {
            let text =
                "There is no key for this: set CAREBRIDGE_SEAL_KEY, or `key_file` under `[seal]`.";
            return Err(Error::new(Kind::Unavailable, text));
        };
        if purpose == Purpose::Seal {
            return Ok(root);
        }
        let mut key = [0; 32];
        Salt::new(HKDF_SHA256, b"carebridge data key")
            .extract(&root)
            .expand(&[purpose.as_str().as_bytes()], HKDF_SHA256)
            .and_then(|made| made.fill(&mut key))
            .map_err(Error::internal)?;
        Ok(key)
    }

    pub(crate) fn are_none(&self) -> bool {
        self.0.is_none()
    }
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
        let keys = Keys::of_root(root);
        let all: Vec<_> = Purpose::ALL.map(|purpose| keys.get(purpose).expect("a key")).into();
        assert_eq!(all.first(), Some(&root), "what is sealed already opens");
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), Purpose::ALL.len());
        for (purpose, key) in Purpose::ALL.into_iter().zip(&all) {
            assert_eq!(&Keys::of_root(root).get(purpose).expect("a key"), key);
            if purpose != Purpose::Seal {
                assert_ne!(&Keys::of_root([8; 32]).get(purpose).expect("a key"), key);
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
}
