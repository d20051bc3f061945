//! Search. <https://hl7.org/fhir/R4/http.html#search>

use access::Action;
use canonical_model::Result;
use search::Query;
use search::query::{Summary, Total};
use store::{PageKey, SearchPage};

use crate::{Domain, Request};

/// One page of a search.
///
/// # Errors
/// Forbidden; Invalid for a page key of another search.
pub async fn search(
    domain: &Domain,
    request: &Request,
    query: &Query,
    after: Option<&PageKey>,
) -> Result<SearchPage> {
    let access = domain.decide(request, query.kind, Action::Search)?;
    let only_count = query.summary == Summary::Count || query.count == 0;
    let mut page = if only_count {
        SearchPage::default()
    } else {
        domain.store().search(&access, query, after).await?
    };
    if only_count || query.total == Total::Accurate {
        page.total = Some(domain.store().count(&access, query).await?);
    }
    Ok(page)
}
