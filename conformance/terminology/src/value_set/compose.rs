//! All codes of a value set. <https://hl7.org/fhir/R4/valueset.html#compositions>

use std::collections::HashMap;
use std::sync::Arc;

use canonical_model::{Error, IssueCode, Kind, Result};

use super::{Compose, Members, Part, Stored, ValueSet};
use crate::bits::Bits;
use crate::code_system::CodeSystem;
use crate::library::Library;
use crate::limits::{CONCEPTS_LOOKED_AT_MAX, VALUE_SET_DEPTH_MAX};
use crate::shown::shown;

/// The codes of a value set.
///
/// # Errors
/// Unprocessable where it, or what it is composed of, is not known or not offered, or leads back to itself; TooLarge.
pub fn members(library: &dyn Library, set: &ValueSet) -> Result<Members> {
    let (looks, open, done) = (CONCEPTS_LOOKED_AT_MAX, Vec::new(), HashMap::new());
    let mut composer = Composer { library, looks, open, done };
    if !set.url.is_empty() {
        composer.open.push(set.url.clone());
    }
    composer.set(set)
}

struct Composer<'l> {
    library: &'l dyn Library,
    /// What is left of the work.
    looks: usize,
    /// The value sets that are being composed, each within the one before.
    open: Vec<String>,
    /// Those that are composed.
    done: HashMap<String, Arc<Members>>,
}

impl Composer<'_> {
    fn named(&mut self, name: &str) -> Result<Arc<Members>> {
        if let Some(done) = self.done.get(name) {
            return Ok(Arc::clone(done));
        }
        if name.starts_with('#') {
            return Err(unsupported("a value set that is contained in another"));
        }
        let url = name.split('|').next().unwrap_or_default();
        if self.open.iter().any(|it| it == url) {
            return Err(in_a_circle(url));
        }
        if self.open.len() > VALUE_SET_DEPTH_MAX {
            return Err(too_costly("value sets are made of value sets too deep"));
        }
        let set = self.library.value_set(name)?;
        self.open.push(url.to_owned());
        let members = Arc::new(self.set(&set)?);
        self.open.pop();
        self.done.insert(name.to_owned(), Arc::clone(&members));
        Ok(members)
    }

    fn set(&mut self, set: &ValueSet) -> Result<Members> {
        let Some(compose) = &set.compose else { return self.stored(set.expansion.as_ref()) };
        let depth = self.open.len();
        match self.composed(compose) {
            // What its author expanded stands for what cannot be told here.
            Err(refused) if set.expansion.is_some() => {
                self.open.truncate(depth);
                self.stored(set.expansion.as_ref()).map_err(|_| refused)
            }
            composed => composed,
        }
    }

    fn composed(&mut self, compose: &Compose) -> Result<Members> {
        if compose.locked {
            return Err(unsupported("a value set as it was on a date"));
        }
        let mut members = Members::default();
        for include in &compose.include {
            let more = self.selected(include)?;
            match members.is_empty() {
                true => members = more,
                false => members.extend(&more)?,
            }
        }
        for exclude in &compose.exclude {
            let excluded = self.selected(exclude)?;
            self.look(members.len())?;
            members.retain(|all, member| !excluded.has_member(all, member));
        }
        if compose.inactive == Some(false) {
            members.retain(|all, member| !all.is_inactive(member));
        }
        Ok(members)
    }

    /// What the system and every value set have in common.
    fn selected(&mut self, part: &Part) -> Result<Members> {
        // Sets may be made of each other many times over: each time is counted.
        self.look(1)?;
        let mut common = match &part.system {
            Some(system) => Some(self.of_system(part, system)?),
            None => None,
        };
        for name in &part.value_sets {
            let set = self.named(name)?;
            self.look(set.len())?;
            match &mut common {
                Some(both) => both.retain(|all, member| set.has_member(all, member)),
                None => common = Some(Members::clone(&set)),
            }
        }
        Ok(common.unwrap_or_default())
    }

    fn of_system(&mut self, part: &Part, url: &str) -> Result<Members> {
        let (mut members, version) = (Members::default(), part.version.as_deref());
        let found = self.library.code_system(url, version);
        if !part.listed.is_empty() {
            let slot = members.slot(url, version, found.ok().as_ref())?;
            self.look(part.listed.len())?;
            part.listed.iter().for_each(|listed| members.list(slot, listed));
            return Ok(members);
        }
        let system = found?;
        system.expect_complete()?;
        self.look(system.size().saturating_mul(part.filters.len().max(1)))?;
        let slot = members.slot(url, version, Some(&system))?;
        for place in filtered(&system, part)?.iter() {
            members.add(slot, place);
        }
        Ok(members)
    }

    /// What the value set itself holds of its expansion, if that is all.
    fn stored(&mut self, stored: Option<&Stored>) -> Result<Members> {
        let stored = stored.ok_or_else(|| unsupported("a value set without codes"))?;
        if !stored.whole {
            return Err(unsupported("a part of an expansion"));
        }
        self.look(stored.codes.len())?;
        let mut members = Members::default();
        for (url, version, listed) in &stored.codes {
            let system = self.library.code_system(url, version.as_deref()).ok();
            let slot = members.slot(url, version.as_deref(), system.as_ref())?;
            members.list(slot, listed);
        }
        Ok(members)
    }

    /// Takes the work of looking at so many concepts or codes, before it is done.
    fn look(&mut self, concepts: usize) -> Result<()> {
        self.looks = self.looks.checked_sub(concepts).ok_or_else(|| {
            too_costly("its value sets take more work than one answer may; use simpler ones")
        })?;
        Ok(())
    }
}

/// The concepts that pass all filters of a part.
fn filtered(system: &CodeSystem, part: &Part) -> Result<Bits> {
    let mut bits = Bits::all(system.len());
    for filter in &part.filters {
        bits.and(&filter.passing(system)?);
    }
    Ok(bits)
}

/// 422, for a value set that leads back to itself.
pub(super) fn in_a_circle(url: &str) -> Error {
    let text = format!("the value set {} includes itself", shown(url));
    Error::unprocessable(text).code(IssueCode::Processing)
}

/// 413, for what would need too much.
pub(super) fn too_costly(text: &str) -> Error {
    Error::new(Kind::TooLarge, text).code(IssueCode::TooCostly)
}

pub(super) fn unsupported(what: &str) -> Error {
    let text = format!("{what} cannot be told here");
    Error::unprocessable(text).code(IssueCode::NotSupported)
}
