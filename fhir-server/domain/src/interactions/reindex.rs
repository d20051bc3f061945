//! Indexing anew what was indexed in an older form.

use canonical_model::Result;
use store::Indexing;

use crate::Domain;

/// Indexes some more resources; `None` where there is nothing to do, or another server is at it.
///
/// # Errors
/// Unavailable or Internal; then nothing of the batch is done.
pub async fn index_more(domain: &Domain) -> Result<Option<Indexing>> {
    let catalogue = domain.catalogue();
    let extract = |resource: &_| search::extract(&catalogue, domain.base(), resource);
    domain.store().index_more(domain.now(), catalogue.form().goal, extract).await
}
