//! Resources that a search parameter of one's own leaves out, because indexing them by it would take too much.
//! A search by it says so, and nothing is done on the strength of what it does not find.

use canonical_model::{Error, IssueCode, Result};
use search::Query;

use crate::Domain;

/// A sentence for each search parameter of the queries that leaves something out. To be asked after the
/// search.
///
/// # Errors
/// Unavailable or Internal.
pub(crate) async fn said(domain: &Domain, queries: &[Query]) -> Result<Vec<String>> {
    let mut used: Vec<_> = queries.iter().flat_map(|query| &query.customs).collect();
    used.dedup();
    if used.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<_> = used.iter().map(|one| one.left_out).collect();
    let present = domain.store().present_keys(&keys).await?;
    let leaving = used.into_iter().filter(|one| present.contains(&one.left_out));
    let sentence = |name: &str| {
        format!(
            "There are resources that cannot be found by {name}: they have too many values for it, or its \
             expression takes too long over them."
        )
    };
    Ok(leaving.map(|one| sentence(&one.name)).collect())
}

/// Refuses to go by what a query found where a search parameter that it uses leaves something out.
///
/// # Errors
/// Unprocessable.
pub(crate) async fn nothing(domain: &Domain, query: &Query) -> Result<()> {
    match said(domain, std::slice::from_ref(query)).await?.first() {
        None => Ok(()),
        Some(said) => {
            let text = format!(
                "The criteria could miss what is there: use other search parameters. ({said})"
            );
            Err(Error::unprocessable(text).code(IssueCode::Incomplete))
        }
    }
}
