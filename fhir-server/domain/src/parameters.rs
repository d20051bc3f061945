//! SearchParameter resources put to use, in all servers of a database alike.
//!
//! The resources are the truth. Each server makes its catalogue of them and the store's goal of that, at its
//! start, after each write of one, and whenever it sees that another server did; whoever is killed in between
//! leaves it to the next. See docs/adr/0008-search-parameters.md.

use std::sync::Arc;

use canonical_model::{Error, Kind, Resource, ResourceType, Result};
use search::limits::CUSTOMS_MAX;
use search::{Catalogue, Custom};
use store::{Adopted, GoalParam, Stored};

use crate::Domain;
use crate::limits::SETTLE_TRIES_MAX;

/// Makes the catalogue what the SearchParameter resources say, and the index follow. A server that starts
/// also makes the index follow its own form and seals.
///
/// # Errors
/// Unavailable or Internal; Conflict where writes or other servers were in the way each time.
pub async fn settle(domain: &Domain, starting: bool) -> Result<()> {
    let mut last = Error::conflict("The search parameters changed each time. Try again.");
    for _ in 0..SETTLE_TRIES_MAX {
        let (seen, stored) = domain.store().search_parameters().await?;
        let catalogue = catalogue(domain, &stored);
        let params: Vec<GoalParam> = catalogue.customs().iter().map(goal_param).collect();
        match domain.store().adopt(catalogue.form(), &params, seen, starting).await {
            Ok(Adopted::Done | Adopted::NotOurs) => {
                domain.know(catalogue);
                domain.note_seen(seen);
                return Ok(());
            }
            Ok(Adopted::Outdated) => {}
            Err(error) if error.kind == Kind::Conflict => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

fn goal_param(custom: &Custom) -> GoalParam {
    (custom.digest, custom.uses.iter().map(|(kind, _)| *kind).collect())
}

/// Of those that clash, which only two writers at once can bring about, the one that was made first.
fn catalogue(domain: &Domain, stored: &[Stored]) -> Catalogue {
    let (hasher, seals) = (domain.store().hasher(), domain.store().sealer().paths());
    let mut customs: Vec<Custom> = Vec::new();
    if domain.store().has_goal() {
        for one in stored {
            match custom(domain, one) {
                Ok(Some(new)) if customs.len() >= CUSTOMS_MAX => {
                    tracing::warn!(id = new.id, "One search parameter too many: it is not used.");
                }
                Ok(Some(new)) if customs.iter().any(|known| new.clashes(known).is_some()) => {
                    tracing::warn!(id = new.id, "Another has its code: it is not used.");
                }
                Ok(Some(new)) => customs.push(new),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(id = one.id, %error, "The search parameter is not used.");
                }
            }
        }
    }
    Catalogue::with_customs(hasher.clone(), seals, customs)
}

fn custom(domain: &Domain, stored: &Stored) -> Result<Option<Custom>> {
    let Some(text) = &stored.text else { return Ok(None) };
    Custom::read(&Resource::parse(text)?, domain.store().hasher())
}

/// Looks whether the SearchParameter resources, or what the index is built with, changed elsewhere; then
/// follows. Whether it did.
///
/// # Errors
/// As [`settle`].
pub async fn look(domain: &Domain) -> Result<bool> {
    let known = domain.catalogue().form().goal;
    match domain.store().index_state().await? {
        // What is only shown of them changes no goal: each server looks for that itself.
        Some(state)
            if state.goal != known
                || state.seen != state.newest
                || domain.seen() != state.newest =>
        {
            settle(domain, false).await?;
            Ok(domain.catalogue().form().goal != known)
        }
        Some(_) | None => Ok(false),
    }
}

/// Follows a write, where it was of a SearchParameter that is in use, or asks for it. Others, as those that
/// FHIR publishes and somebody loads by the thousand, wait for the next look.
pub(crate) async fn follow(domain: &Domain, version: &Stored) {
    if version.kind != ResourceType::SEARCH_PARAMETER {
        return;
    }
    let in_use = domain.catalogue().customs().iter().any(|known| known.id == version.id);
    if in_use || matches!(custom(domain, version), Ok(Some(_))) {
        catch_up(domain).await;
    }
}

/// What fails here is made up for by the next look.
pub(crate) async fn catch_up(domain: &Domain) {
    if let Err(error) = settle(domain, false).await {
        tracing::warn!(%error, cause = ?error.cause, "Search parameters could not be put to use yet.");
    }
}

impl Domain {
    /// Puts a new catalogue in the place of the one before, if it is another.
    fn know(&self, catalogue: Catalogue) {
        let known = self.catalogue();
        // A new URL or description is no new form, but it is shown.
        let other = known.form() != catalogue.form() || known.customs() != catalogue.customs();
        if other {
            self.put_catalogue(Arc::new(catalogue));
        }
    }
}
