//! Whether a SearchParameter may be stored: one that asks to be used must be usable, beside those in use and
//! beside those that are written with it. There is room for so many only, as all are read whenever one changes.
//!
//! Others that are written at the same time are not known here, so that each of them may be one too many: those
//! under way at once, and those of other servers since the last look. They are stored, and not used.

use canonical_model::{Error, Resource, ResourceType, Result};
use search::limits::CUSTOMS_MAX;
use search::{Custom, asks, clash};
use store::limits::{DEFINITION_BYTES_MAX, DEFINITIONS_MAX};

use crate::Domain;

/// A SearchParameter that is active and not FHIR's own.
#[derive(Debug)]
pub(crate) struct Asking {
    id: String,
    /// What it asks for; `None` where it repeats what there is.
    custom: Option<Custom>,
}

/// Refuses a SearchParameter that asks to be used and cannot be; returns what it asks for, if anything. The
/// resource has the id that it is stored under.
///
/// # Errors
/// Unprocessable, naming the element.
pub(crate) fn check(domain: &Domain, resource: &Resource) -> Result<Option<Asking>> {
    if resource.kind() != ResourceType::SEARCH_PARAMETER {
        return Ok(None);
    }
    let custom = domain.catalogue().admits(resource)?;
    if !asks(resource) {
        return Ok(None);
    }
    let new = Asking { id: resource.id().unwrap_or_default().to_owned(), custom };
    room(domain, &[], &new)?;
    Ok(Some(new))
}

/// Refuses one that is too large, by the text that is stored.
///
/// # Errors
/// Unprocessable.
pub(crate) fn fits(text: &str) -> Result<()> {
    if text.len() <= DEFINITION_BYTES_MAX {
        return Ok(());
    }
    let text =
        "An active SearchParameter has at most 64 KiB. Shorten its narrative or description.";
    Err(Error::unprocessable(text).at("SearchParameter"))
}

/// The search parameters that one transaction asks for.
#[derive(Debug, Default)]
pub(crate) struct Together(Vec<Asking>);

impl Together {
    /// Adds one that [`check`] has passed.
    ///
    /// # Errors
    /// Unprocessable where it does not suit those before it, or there are too many with them.
    pub(crate) fn add(&mut self, domain: &Domain, new: Asking) -> Result<()> {
        if let Some(custom) = &new.custom {
            let others = self.0.iter().filter_map(|one| one.custom.as_ref());
            clash(custom, others)?;
        }
        room(domain, &self.0, &new)?;
        self.0.push(new);
        Ok(())
    }
}

/// Refuses one more than there may be, with those that are written before it.
fn room(domain: &Domain, before: &[Asking], new: &Asking) -> Result<()> {
    let is_here = |id: &str| id == new.id || before.iter().any(|one| one.id == id);
    let ids = before.iter().map(|one| one.id.as_str()).chain([new.id.as_str()]);
    let asking = domain.definitions().asking_but(ids) + before.len();
    let catalogue = domain.catalogue();
    let others = catalogue.customs().iter().filter(|known| !is_here(&known.id));
    let used = others.count() + before.iter().filter(|one| one.custom.is_some()).count();
    let text = if new.custom.is_some() && used >= CUSTOMS_MAX {
        format!("There are {CUSTOMS_MAX} search parameters in use. Retire one first.")
    } else if asking >= DEFINITIONS_MAX {
        format!("There are {DEFINITIONS_MAX} active SearchParameters. Retire one first.")
    } else {
        return Ok(());
    };
    Err(Error::unprocessable(text).at("SearchParameter.status"))
}
