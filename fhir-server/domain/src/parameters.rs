//! SearchParameter resources put to use, in all servers of a database alike.
//!
//! The resources are the truth. Each server makes its catalogue of them and the store's goal of that, at its
//! start, after each write of one, and whenever it sees that another server did; whoever is killed in between
//! leaves it to the next. See docs/adr/0008-search-parameters.md.

use std::sync::Arc;

use canonical_model::{Error, Kind, Resource, ResourceType, Result};
use search::{Catalogue, Custom, asks};
use store::{Adopted, GoalParam, Stored};

use crate::Domain;
use crate::definitions::{Read, Standing};
use crate::limits::SETTLE_TRIES_MAX;

/// As [`settle`], for a server that starts. Where that fails it serves all the same, by what FHIR publishes,
/// and the next look makes up for it: until then no search by a parameter of one's own is understood, and
/// whatever is written is indexed again.
pub async fn begin(domain: &Domain) {
    if let Err(error) = settle(domain, true).await {
        tracing::error!(%error, cause = ?error.cause, "Search parameters are not in use yet: tried again soon.");
    }
}

/// Makes the catalogue what the SearchParameter resources say, and the index follow. A server that starts
/// also makes the index follow its own form and seals.
///
/// # Errors
/// Unavailable or Internal; Conflict where writes or other servers were in the way each time.
pub async fn settle(domain: &Domain, starting: bool) -> Result<()> {
    let mut last = Error::conflict("The search parameters changed each time. Try again.");
    for _ in 0..SETTLE_TRIES_MAX {
        let state = domain.store().index_state().await?;
        // The schema before has no place for any.
        let Some(state) = state else {
            domain.know(domain.catalogue_with(Vec::new()));
            return Ok(());
        };
        domain.definitions().count();
        let mut read = Read::all(domain).await?;
        let catalogue = domain.catalogue_with(std::mem::take(&mut read.customs));
        let (form, seen) = (catalogue.form().clone(), state.newest);
        let params: Vec<GoalParam> = catalogue.customs().iter().map(goal_param).collect();
        match domain.store().adopt(&form, &params, seen, starting).await {
            Ok(adopted @ (Adopted::Done | Adopted::NotOurs)) => {
                let goal = if adopted == Adopted::Done { form.goal } else { state.goal };
                let used = catalogue.customs().len();
                domain.know(catalogue);
                domain.definitions().take(read, used, seen, goal);
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

/// Looks whether the SearchParameter resources, or what the index is built with, changed; then follows. Whether
/// what is known changed meanwhile. Of many that look at once one follows, for all.
///
/// # Errors
/// As [`settle`].
pub async fn look(domain: &Domain) -> Result<bool> {
    let known = domain.catalogue().form().goal;
    if !is_settled(domain).await? {
        let _turn = domain.definitions().turn().await;
        // Who was first may have done it.
        if !is_settled(domain).await? {
            settle(domain, is_starting(domain)).await?;
        }
    }
    Ok(domain.catalogue().form().goal != known)
}

/// Whether there is nothing to follow. What is only shown of the resources changes no goal: each server looks
/// for that itself. Another's goal that stands beside one's own is no change each time.
async fn is_settled(domain: &Domain) -> Result<bool> {
    let Some(state) = domain.store().index_state().await? else { return Ok(true) };
    let settled = domain.definitions().of() == Some((state.newest, state.goal));
    Ok(settled && state.seen == state.newest)
}

/// Whether the start did not come to its end.
fn is_starting(domain: &Domain) -> bool {
    domain.definitions().of().is_none()
}

/// Follows the writes of one commit, where one was of a SearchParameter that is in use, or asks for it: once
/// for all. Others, as those that FHIR publishes and somebody loads by the thousand, wait for the next look.
pub(crate) async fn follow<'a>(domain: &Domain, written: impl IntoIterator<Item = &'a Stored>) {
    let mut changed = false;
    for version in written.into_iter().filter(|it| it.kind == ResourceType::SEARCH_PARAMETER) {
        changed |= domain.catalogue().customs().iter().any(|known| known.id == version.id);
        let text = version.text.as_ref();
        let resource = text.and_then(|text| Resource::parse(text).ok()).filter(asks);
        domain.definitions().note(&version.id, resource.is_some());
        let read = resource.map(|resource| Custom::read(&resource, domain.store().hasher()));
        changed |= matches!(read, Some(Ok(Some(_))));
    }
    if changed {
        catch_up(domain).await;
    }
}

/// What fails here is made up for by the next look.
pub(crate) async fn catch_up(domain: &Domain) {
    if let Err(error) = look(domain).await {
        tracing::warn!(%error, cause = ?error.cause, "Search parameters could not be put to use yet.");
    }
}

impl Domain {
    /// How it stands with the search parameters of one's own.
    #[must_use]
    pub fn search_parameters(&self) -> Standing {
        self.definitions().standing()
    }

    /// Puts a new catalogue in the place of the one before, if it is another.
    fn know(&self, catalogue: Catalogue) {
        let known = self.catalogue();
        // A new URL or description is no new form, but it is shown.
        let other = known.form() != catalogue.form() || known.customs() != catalogue.customs();
        if other {
            self.put_catalogue(Arc::new(catalogue));
        }
    }

    fn catalogue_with(&self, customs: Vec<Custom>) -> Catalogue {
        let (hasher, seals) = (self.store().hasher().clone(), self.store().sealer().paths());
        Catalogue::with_customs(hasher, seals, customs)
    }
}
