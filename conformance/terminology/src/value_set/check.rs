//! Whether one code is in a value set, without composing it. <https://hl7.org/fhir/R4/valueset-operation-validate-code.html>

use canonical_model::Result;

use super::compose::{in_a_circle, too_costly, unsupported};
use super::{Compose, Part, Stored, ValueSet};
use crate::code_system::CodeSystem;
use crate::library::Library;
use crate::limits::{PARTS_LOOKED_AT_MAX, VALUE_SET_DEPTH_MAX};

/// What can be told of a code and a value set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Membership {
    /// It is in.
    In,
    /// It is not.
    Out,
    /// It cannot be told, for this reason.
    Unknown(String),
}

/// Whether a code is in the value set of this canonical URL. Without a system, any of the value set's systems will do.
pub fn check(library: &dyn Library, name: &str, system: Option<&str>, code: &str) -> Membership {
    match library.value_set(name) {
        Ok(set) => membership(library, &set, system, code),
        Err(error) => unknown(&error),
    }
}

/// Whether a code is in a value set.
pub fn membership(
    library: &dyn Library,
    set: &ValueSet,
    system: Option<&str>,
    code: &str,
) -> Membership {
    let open = vec![set.url.clone()];
    let mut asking = Asking { library, system, code, open, parts: PARTS_LOOKED_AT_MAX };
    asking.set(set).unwrap_or_else(|error| unknown(&error))
}

fn unknown(error: &canonical_model::Error) -> Membership {
    let texts: Vec<&str> = error.issues.iter().map(|issue| issue.diagnostics.as_str()).collect();
    Membership::Unknown(texts.join("; "))
}

struct Asking<'a> {
    library: &'a dyn Library,
    system: Option<&'a str>,
    code: &'a str,
    open: Vec<String>,
    parts: usize,
}

impl Membership {
    /// In both.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Out, _) | (_, Self::Out) => Self::Out,
            (Self::In, Self::In) => Self::In,
            (Self::Unknown(why), _) | (_, Self::Unknown(why)) => Self::Unknown(why),
        }
    }

    /// In one of both.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::In, _) | (_, Self::In) => Self::In,
            (Self::Out, Self::Out) => Self::Out,
            (Self::Unknown(why), _) | (_, Self::Unknown(why)) => Self::Unknown(why),
        }
    }

    fn not(self) -> Self {
        match self {
            Self::In => Self::Out,
            Self::Out => Self::In,
            unknown => unknown,
        }
    }

    fn of(is_in: bool) -> Self {
        if is_in { Self::In } else { Self::Out }
    }
}

impl Asking<'_> {
    fn set(&mut self, set: &ValueSet) -> Result<Membership> {
        let Some(compose) = &set.compose else { return self.stored(set.expansion.as_ref()) };
        match (self.composed(compose), &set.expansion) {
            (Ok(told @ (Membership::In | Membership::Out)), _) => Ok(told),
            (told, None) => told,
            // What its author expanded stands for what cannot be told here.
            (told, Some(stored)) => self.stored(Some(stored)).or(told),
        }
    }

    fn composed(&mut self, compose: &Compose) -> Result<Membership> {
        if compose.locked {
            return Err(unsupported("a value set as it was on a date"));
        }
        let mut told = Membership::Out;
        for include in &compose.include {
            told = told.or(self.part(include, compose.inactive == Some(false)));
            if told == Membership::In {
                break;
            }
        }
        for exclude in &compose.exclude {
            if told == Membership::Out {
                break;
            }
            told = told.and(self.part(exclude, false).not());
        }
        Ok(told)
    }

    fn part(&mut self, part: &Part, active: bool) -> Membership {
        match self.parts.checked_sub(1) {
            Some(left) => self.parts = left,
            None => return unknown(&too_costly("value sets are made of too many value sets")),
        }
        let mut told = match &part.system {
            Some(system) if self.system.is_some_and(|asked| asked != system) => Membership::Out,
            Some(system) => {
                self.of_system(part, system, active).unwrap_or_else(|error| unknown(&error))
            }
            None => Membership::In,
        };
        for name in &part.value_sets {
            if told == Membership::Out {
                break;
            }
            told = told.and(self.named(name).unwrap_or_else(|error| unknown(&error)));
        }
        told
    }

    fn named(&mut self, name: &str) -> Result<Membership> {
        let url = name.split('|').next().unwrap_or_default();
        if name.starts_with('#') {
            return Err(unsupported("a value set that is contained in another"));
        }
        if self.open.iter().any(|it| it == url) {
            return Err(in_a_circle(url));
        }
        if self.open.len() > VALUE_SET_DEPTH_MAX {
            return Err(too_costly("value sets are made of value sets too deep"));
        }
        let set = self.library.value_set(name)?;
        self.open.push(url.to_owned());
        let depth = self.open.len();
        let told = self.set(&set);
        self.open.truncate(depth.saturating_sub(1));
        told
    }

    fn of_system(&self, part: &Part, url: &str, active: bool) -> Result<Membership> {
        let found = self.library.code_system(url, part.version.as_deref());
        let place = |system: &CodeSystem| system.find(self.code);
        let gone = |system: &CodeSystem| {
            active && place(system).is_some_and(|place| system.is_inactive(place))
        };
        if !part.listed.is_empty() {
            let listed = part.by_code.contains_key(self.code);
            return Ok(match found {
                Ok(system) if listed && gone(&system) => Membership::Out,
                _ => Membership::of(listed),
            });
        }
        let system = found?;
        let Some(place) = place(&system) else {
            return match system.makes(self.code) {
                Some(true) if part.filters.is_empty() => Ok(Membership::In),
                Some(false) => Ok(Membership::Out),
                Some(true) | None => system.expect_complete().map(|()| Membership::Out),
            };
        };
        for filter in &part.filters {
            // A part of a hierarchy tells nothing of what is not there.
            system.expect_complete()?;
            if !filter.holds(&system, place)? {
                return Ok(Membership::Out);
            }
        }
        Ok(Membership::of(!(active && system.is_inactive(place))))
    }

    fn stored(&self, stored: Option<&Stored>) -> Result<Membership> {
        let stored = stored.ok_or_else(|| unsupported("a value set without codes"))?;
        let is_it = |url: &str, code: &str| {
            code == self.code && self.system.is_none_or(|asked| asked == url)
        };
        match stored.codes.iter().any(|(url, _, listed)| is_it(url, &listed.code)) {
            true => Ok(Membership::In),
            false if stored.whole => Ok(Membership::Out),
            false => Err(unsupported("a part of an expansion")),
        }
    }
}
