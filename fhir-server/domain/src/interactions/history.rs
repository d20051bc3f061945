//! History. <https://hl7.org/fhir/R4/http.html#history>

use access::Action;
use canonical_model::{Error, ResourceType, Result};
use store::{HistoryKey, HistoryQuery, HistoryRead, HistoryScope, Stored};

use crate::{Domain, Request};

/// A page of versions.
#[derive(Clone, Debug)]
pub struct HistoryPage {
    /// The versions in order.
    pub versions: Vec<Stored>,
    /// Where the next page begins.
    pub next: Option<HistoryKey>,
}

/// One page of a history.
///
/// # Errors
/// Forbidden; NotFound where an instance never was.
pub async fn history(
    domain: &Domain,
    request: &Request,
    mut query: HistoryQuery,
) -> Result<HistoryPage> {
    let wanted = usize::try_from(query.limit).unwrap_or(0);
    query.limit = query.limit.saturating_add(1);
    let access = match &query.scope {
        HistoryScope::Instance(kind, _) => domain.decide(request, *kind, Action::Read)?,
        HistoryScope::Types(kinds) => match kinds.as_slice() {
            [kind] => domain.decide(request, *kind, Action::Search)?,
            _ => domain.decide_system(request, Action::Search)?,
        },
    };
    let read = domain.store().history(&access, &query, &|it| domain.extract(it)).await?;
    let HistoryRead { versions: mut found, cut } = read;
    // A page that is not the first may be empty: there were versions, and there may be more.
    let first = query.after.is_none();
    if let (HistoryScope::Instance(kind, id), true) = (&query.scope, found.is_empty() && first)
        && domain.store().read(&access, *kind, id).await?.is_none()
    {
        return Err(Error::not_found("There is no such resource."));
    }
    let more = found.len() > wanted;
    found.truncate(wanted);
    let next = found.last().filter(|_| more).map(|(_, key)| *key).or(cut);
    Ok(HistoryPage { versions: found.into_iter().map(|(version, _)| version).collect(), next })
}

/// Every type: the scope of the system's history.
#[must_use]
pub fn whole_system() -> HistoryScope {
    HistoryScope::Types(ResourceType::all().collect())
}
