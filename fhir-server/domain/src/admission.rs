//! Whether a SearchParameter may be stored: one that asks to be used must be usable, beside those in use and
//! beside those that are written with it.

use canonical_model::{Error, Kind, Resource, ResourceType, Result};
use search::limits::CUSTOMS_MAX;
use search::{Custom, clash};

use crate::Domain;

/// Refuses a SearchParameter that asks to be used and cannot be; returns what it asks for, if anything. The
/// resource has the id that it is stored under.
///
/// # Errors
/// Unprocessable, naming the element; Unavailable where the schema has no place for it yet.
pub(crate) fn check(domain: &Domain, resource: &Resource) -> Result<Option<Custom>> {
    if resource.kind() != ResourceType::SEARCH_PARAMETER {
        return Ok(None);
    }
    let catalogue = domain.catalogue();
    let Some(new) = catalogue.admits(resource)? else { return Ok(None) };
    if !domain.store().has_goal() {
        let text =
            "Search parameters of your own need the newest schema. Run `carebridge migrate` first.";
        return Err(Error::new(Kind::Unavailable, text));
    }
    room(catalogue.customs().iter().filter(|known| known.id != new.id).count())?;
    Ok(Some(new))
}

/// The search parameters that one transaction asks for.
#[derive(Debug, Default)]
pub(crate) struct Together(Vec<Custom>);

impl Together {
    /// Adds one that [`check`] has passed.
    ///
    /// # Errors
    /// Unprocessable where it does not suit those before it, or there are too many with them.
    pub(crate) fn add(&mut self, domain: &Domain, new: Custom) -> Result<()> {
        clash(&new, &self.0)?;
        let is_here = |id: &str| id == new.id || self.0.iter().any(|one| one.id == id);
        let catalogue = domain.catalogue();
        let others = catalogue.customs().iter().filter(|known| !is_here(&known.id));
        room(others.count() + self.0.len())?;
        self.0.push(new);
        Ok(())
    }
}

/// Refuses one more than there may be.
fn room(others: usize) -> Result<()> {
    if others < CUSTOMS_MAX {
        return Ok(());
    }
    let text = format!("There are {CUSTOMS_MAX} search parameters in use. Retire one first.");
    Err(Error::unprocessable(text).at("SearchParameter.status"))
}
