//! The scopes of one token: clinical ones, and words such as `openid` and `launch/patient`.

use std::fmt;

use canonical_model::{Error, ResourceType, Result};
use compact_str::CompactString;

use crate::Scope;
use crate::limits::{CONSTRAINTS_MAX, SCOPE_BYTES_MAX, SCOPES_MAX};

/// The scopes of one token, in the order in which they were asked.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Scopes {
    clinical: Vec<Scope>,
    words: Vec<CompactString>,
}

impl Scopes {
    /// Reads a `scope` parameter: words separated by spaces (RFC 6749, section 3.3). Doubles are
    /// dropped; empty is no scope.
    ///
    /// # Errors
    /// 400 where it is too long, has illegal characters, a clinical scope is malformed, or there are too many with a
    /// constraint on one type.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > SCOPE_BYTES_MAX {
            return Err(Error::invalid(format!("scope: at most {SCOPE_BYTES_MAX} bytes")));
        }
        if !text.bytes().all(|b| matches!(b, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e)) {
            return Err(Error::invalid("scope: printable ASCII without quote and backslash only"));
        }
        let mut scopes = Self::default();
        for (n, word) in text.split(' ').filter(|word| !word.is_empty()).enumerate() {
            if n == SCOPES_MAX {
                return Err(Error::invalid(format!("scope: at most {SCOPES_MAX} scopes")));
            }
            match Scope::parse(word)? {
                Some(scope) if scopes.clinical.contains(&scope) => {}
                Some(scope) if scopes.is_full_for(&scope) => {
                    let text =
                        format!("scope: at most {CONSTRAINTS_MAX} scopes with `?` on one type");
                    return Err(Error::invalid(text));
                }
                Some(scope) => scopes.clinical.push(scope),
                None if scopes.has_word(word) => {}
                None => scopes.words.push(word.into()),
            }
        }
        Ok(scopes)
    }

    /// Whether there is no room for one more constraint on the type that this one constrains.
    fn is_full_for(&self, scope: &Scope) -> bool {
        let of = |kind: ResourceType| {
            let kinds = self.clinical.iter().filter_map(Scope::constrained).map(|(kind, _)| kind);
            kinds.filter(|have| *have == kind).count()
        };
        scope.constrained().is_some_and(|(kind, _)| of(kind) >= CONSTRAINTS_MAX)
    }

    /// The clinical scopes.
    #[must_use]
    pub fn clinical(&self) -> &[Scope] {
        &self.clinical
    }

    /// The scopes that are not clinical, as `offline_access`.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(CompactString::as_str)
    }

    /// Whether a scope that is not clinical is there.
    #[must_use]
    pub fn has_word(&self, word: &str) -> bool {
        self.words.iter().any(|have| have == word)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.clinical.is_empty() && self.words.is_empty()
    }

    /// What both hold, in the words of this one: what a client asked, narrowed to what it may have.
    /// Nothing is said twice. Constraints that there is no room for are left out: too little, never too much.
    #[must_use]
    pub fn narrowed_to(&self, allowed: &Self) -> Self {
        let mut kept = Self::default();
        for asked in &self.clinical {
            let parts = allowed.clinical.iter().filter_map(|other| asked.narrowed_to(other));
            for part in parts {
                let said = kept.clinical.iter().any(|have| have.covers(&part));
                let known = said || kept.clinical.iter_mut().any(|have| have.absorb(&part));
                if !known && !kept.is_full_for(&part) {
                    kept.clinical.push(part);
                }
            }
        }
        let all = kept.clinical.clone();
        kept.clinical.retain(|one| !all.iter().any(|other| other != one && other.covers(one)));
        kept.words = self.words.iter().filter(|word| allowed.has_word(word)).cloned().collect();
        kept
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut gap = "";
        for word in &self.words {
            write!(f, "{gap}{word}")?;
            gap = " ";
        }
        for scope in &self.clinical {
            write!(f, "{gap}{scope}")?;
            gap = " ";
        }
        Ok(())
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.words).entries(&self.clinical).finish()
    }
}
