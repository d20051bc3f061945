//! The definitions of R4's own package, read when they are first asked for.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use canonical_model::{Result, Value, json};
use conformance::profile::{Terminology, Verdict};
use conformance::terminology as published;
use conformance::terminology::Definition;

use crate::code_system::CodeSystem;
use crate::code_system::grammar::{UCUM, ucum};
use crate::concept_map::ConceptMap;
use crate::library::{Library, Refusal};
use crate::value_set::ValueSet;
use crate::value_set::check::{Membership, check as check_in};

/// Definitions that are remembered of each kind: of most, nothing is ever asked.
const REMEMBERED_MAX: usize = 1_024;

struct Shelf<T>(LazyLock<RwLock<HashMap<&'static str, Arc<T>>>>);

static VALUE_SETS: Shelf<ValueSet> = Shelf(LazyLock::new(RwLock::default));
static CODE_SYSTEMS: Shelf<CodeSystem> = Shelf(LazyLock::new(RwLock::default));

impl<T> Shelf<T> {
    fn get(
        &self,
        found: &'static Definition,
        read: impl FnOnce(Value) -> Result<T>,
    ) -> Result<Arc<T>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(found.url) {
            return Ok(Arc::clone(known));
        }
        drop(known);
        let made = Arc::new(read(json::parse(found.text().as_bytes())?)?);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED_MAX {
            known.clear();
        }
        known.insert(found.url, Arc::clone(&made));
        Ok(made)
    }
}

/// The definition of this URL, in this version where one is named.
fn of_version(
    found: Option<&'static Definition>,
    version: Option<&str>,
) -> Option<&'static Definition> {
    found.filter(|it| version.is_none_or(|version| version == it.version))
}

/// A value set by its URL; `None` where it is not one of the package.
///
/// # Errors
/// Unprocessable for one that cannot be read.
pub fn value_set(url: &str, version: Option<&str>) -> Result<Option<Arc<ValueSet>>> {
    let found = of_version(published::value_set(url), version);
    found.map(|found| VALUE_SETS.get(found, ValueSet::read)).transpose()
}

/// A code system by its URL; `None` where it is not one of the package. UCUM is known by its grammar.
///
/// # Errors
/// TooLarge.
pub fn code_system(url: &str, version: Option<&str>) -> Result<Option<Arc<CodeSystem>>> {
    let found = of_version(published::code_system(url), version);
    match found {
        Some(found) => CODE_SYSTEMS.get(found, |value| CodeSystem::read(&value)).map(Some),
        None if url == UCUM && version.is_none() => Ok(Some(ucum())),
        None => Ok(None),
    }
}

/// All concept maps of the package, which are few and small.
///
/// # Errors
/// Unprocessable for one that cannot be read.
pub fn concept_maps() -> Result<Arc<Vec<Arc<ConceptMap>>>> {
    static MAPS: RwLock<Option<Arc<Vec<Arc<ConceptMap>>>>> = RwLock::new(None);
    if let Some(known) = MAPS.read().unwrap_or_else(PoisonError::into_inner).as_ref() {
        return Ok(Arc::clone(known));
    }
    let read = |it: &'static Definition| {
        Ok(Arc::new(ConceptMap::read(&json::parse(it.text().as_bytes())?)))
    };
    let maps = published::concept_maps().iter().map(read).collect::<Result<Vec<_>>>()?;
    let maps = Arc::new(maps);
    *MAPS.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&maps));
    Ok(maps)
}

/// The package alone, as a library.
#[derive(Clone, Copy, Debug, Default)]
pub struct Package;

impl Library for Package {
    fn value_set(&self, name: &str) -> Result<Arc<ValueSet>> {
        let (url, version) = match name.split_once('|') {
            Some((url, version)) => (url, Some(version)),
            None => (name, None),
        };
        value_set(url, version)?.ok_or_else(|| Refusal::of_value_set(name).error())
    }

    fn code_system(&self, url: &str, version: Option<&str>) -> Result<Arc<CodeSystem>> {
        code_system(url, version)?.ok_or_else(|| Refusal::of_code_system(url).error())
    }
}

/// Bindings of profiles are judged by the package.
impl Terminology for Package {
    fn check(&self, value_set: &str, system: Option<&str>, code: &str) -> Verdict {
        match check_in(self, value_set, system, code) {
            Membership::In => Verdict::In,
            Membership::Out => Verdict::Out,
            Membership::Unknown(_) => Verdict::Unknown,
        }
    }
}

/// Whether a code is in a value set of the package. Without a system, any of the value set's will do.
#[must_use]
pub fn check(value_set: &str, system: Option<&str>, code: &str) -> Membership {
    check_in(&Package, value_set, system, code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_the_package_holds() {
        let set = |name: &str| format!("http://hl7.org/fhir/ValueSet/{name}");
        for (name, system, code, expected) in [
            (
                "administrative-gender",
                Some("http://hl7.org/fhir/administrative-gender"),
                "male",
                true,
            ),
            ("administrative-gender", None, "male", true),
            ("administrative-gender", Some("http://example.org"), "male", false),
            ("administrative-gender|4.0.1", None, "man", false),
            (
                "condition-clinical",
                Some("http://terminology.hl7.org/CodeSystem/condition-clinical"),
                "remission",
                true,
            ),
        ] {
            let expected = if expected { Membership::In } else { Membership::Out };
            assert_eq!(check(&set(name), system, code), expected, "{name} {code}");
        }
        let unknown = |name: &str, system, code| {
            matches!(check(&set(name), system, code), Membership::Unknown(_))
        };
        assert!(unknown("none", None, "x"), "no such value set");
        assert!(unknown("administrative-gender|9", None, "male"), "no such version");
        let ucum = Some("http://unitsofmeasure.org");
        assert_eq!(check(&set("ucum-units"), ucum, "mg/dL"), Membership::In);
        assert_eq!(check(&set("ucum-units"), ucum, "mgg/dL"), Membership::Out);
        // All of LOINC, which is not here.
        assert!(unknown("observation-codes", Some("http://loinc.org"), "1-8"));
    }

    #[test]
    fn has_displays_and_other_languages() {
        let gender = code_system("http://hl7.org/fhir/administrative-gender", None);
        let gender = gender.expect("it can be read").expect("published");
        let male = gender.find("male").expect("a code");
        assert_eq!(gender.display(male), Some("Male"));
        assert!(gender.definition(male).is_some());
        assert!(concept_maps().expect("they can be read").len() > 50);
    }
}
