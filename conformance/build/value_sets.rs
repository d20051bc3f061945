//! The codes of value sets that `code` elements are bound to, where the package holds them all.
//! Others (currencies, MIME types, UCUM) are rules or live elsewhere, and stay unchecked.

use std::collections::{BTreeMap, BTreeSet};

use crate::index::ValueSet;
use crate::package::{CodeSystemDefinition, Concept, ConceptSet, Package, ValueSetDefinition};
use crate::structures::Structures;
use crate::{Built, keep};

type Codes = BTreeSet<String>;

/// Expands what the structures are bound to and tells each element its value set.
pub(crate) fn attach(package: &Package, structures: &mut Structures) -> Built<Vec<ValueSet>> {
    let mut known: BTreeMap<String, Option<u16>> = BTreeMap::new();
    let mut sets = Vec::new();
    for (structure, element, canonical) in std::mem::take(&mut structures.bindings) {
        let url = bare(&canonical);
        let number = match known.get(url) {
            Some(number) => *number,
            None => {
                let number = match expand(package, url)? {
                    Some(codes) => Some(add(&mut sets, url, codes)?),
                    None => None,
                };
                known.insert(url.to_owned(), number);
                number
            }
        };
        let parent = structures.list.get_mut(structure).ok_or("a binding of no structure")?;
        let element = parent.elements.get_mut(element).ok_or("a binding of no element")?;
        element.codes = number;
    }
    Ok(sets)
}

fn add(sets: &mut Vec<ValueSet>, url: &str, codes: Codes) -> Built<u16> {
    let number = u16::try_from(sets.len()).map_err(|e| e.to_string())?;
    let codes = codes.into_iter().map(keep).collect();
    sets.push(ValueSet { url: keep(url.to_owned()), codes });
    Ok(number)
}

/// All codes of a value set, or nothing where the package cannot tell.
fn expand(package: &Package, canonical: &str) -> Built<Option<Codes>> {
    let found = package.find::<ValueSetDefinition>("ValueSet", bare(canonical))?;
    let Some(compose) = found.and_then(|set| set.compose) else { return Ok(None) };
    let mut codes = Codes::new();
    for include in &compose.include {
        let Some(some) = included(package, include)? else { return Ok(None) };
        codes.extend(some);
    }
    for exclude in &compose.exclude {
        let Some(some) = included(package, exclude)? else { return Ok(None) };
        codes.retain(|code| !some.contains(code));
    }
    Ok(Some(codes))
}

/// The codes that the system and every named value set have in common.
fn included(package: &Package, set: &ConceptSet) -> Built<Option<Codes>> {
    if !set.filter.is_empty() {
        return Ok(None);
    }
    let mut common: Option<Codes> = None;
    if let Some(system) = &set.system {
        common = if set.concept.is_empty() {
            system_codes(package, system)?
        } else {
            Some(set.concept.iter().map(|concept| concept.code.clone()).collect())
        };
        if common.is_none() {
            return Ok(None);
        }
    }
    for url in &set.value_set {
        let Some(codes) = expand(package, url)? else { return Ok(None) };
        common = Some(match common {
            Some(mut both) => {
                both.retain(|code| codes.contains(code));
                both
            }
            None => codes,
        });
    }
    Ok(common)
}

fn system_codes(package: &Package, url: &str) -> Built<Option<Codes>> {
    let found = package.find::<CodeSystemDefinition>("CodeSystem", url)?;
    let mut codes = Codes::new();
    match found {
        Some(system) if system.content == "complete" => collect(&system.concept, &mut codes),
        _ => return Ok(None),
    }
    Ok(Some(codes))
}

fn collect(concepts: &[Concept], codes: &mut Codes) {
    for concept in concepts {
        codes.insert(concept.code.clone());
        collect(&concept.concept, codes);
    }
}

/// A canonical URL without its version.
fn bare(canonical: &str) -> &str {
    canonical.split('|').next().unwrap_or(canonical)
}
