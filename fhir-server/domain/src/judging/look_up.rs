//! Where stored profiles, their value sets and questionnaires are found. They are rules, not records: whoever sends a
//! resource is told what it breaks, whether or not they may read the rules.

use std::sync::Arc;

use ::terminology::package;
use access::Access;
use canonical_model::{Error, ResourceType, Result, Value, json};
use conformance::profile::Profile;
use search::query::{Handling, parse};
use search::{QueryContext, Terms};
use store::Stored;

use super::known::Learnt;
use crate::Domain;
use crate::terminology::{Definitions, Reader, escaped};

/// Under which it is known that no profile is stored at all.
const ANY: &str = "";

/// A stored definition.
pub(super) struct Found(Stored);

impl Found {
    pub(super) fn parsed(&self) -> Result<Value> {
        json::parse(self.0.text.as_deref().unwrap_or_default())
    }
}

/// A stored profile. One that does not compile is as none.
pub(super) async fn profile(domain: &Domain, url: &str) -> Result<Option<Arc<Learnt>>> {
    let (now, known) = (domain.now(), &domain.shared.profiles);
    if let Some(known) = known.lately(url, now) {
        return Ok(known);
    }
    let found = match stored(domain, ResourceType::STRUCTURE_DEFINITION, url).await? {
        Some(definition) => learn(domain, url, &definition).await?.map(Arc::new),
        None => None,
    };
    known.put(url, now, found.clone());
    Ok(found)
}

async fn learn(domain: &Domain, url: &str, definition: &Found) -> Result<Option<Learnt>> {
    let source = (definition.0.id.clone(), definition.0.version);
    let before = domain.shared.profiles.once(url).filter(|it| it.source == source);
    let profile = match before {
        Some(before) => Arc::clone(&before.profile),
        None => {
            let definition = definition.parsed()?;
            let work = move || Profile::compile(&definition).ok();
            let compiled = tokio::task::spawn_blocking(work).await.map_err(Error::internal)?;
            let Some(profile) = compiled else { return Ok(None) };
            Arc::new(profile)
        }
    };
    let mut definitions = Definitions::new(domain, Reader::Operator);
    for name in profile.value_sets() {
        // What FHIR itself publishes is in memory.
        let is_published = matches!(package::value_set(name, None), Ok(Some(_)));
        if is_published || definitions.loaded().has_value_set(name) {
            continue;
        }
        match definitions.value_set(name).await {
            Ok(set) => definitions.gather(&set, false).await?,
            // It is not known, or cannot be read: its codes are told as not checked.
            Err(_) if definitions.loaded().has_value_set(name) => {}
            Err(error) => return Err(error),
        }
    }
    let value_sets = definitions.loaded().clone();
    Ok(Some(Learnt { source, profile, value_sets }))
}

/// Whether any profile is stored: where none is, as on most servers, no URL need be looked up.
pub(super) async fn any(domain: &Domain) -> Result<bool> {
    let now = domain.now();
    if domain.shared.profiles.lately(ANY, now).is_some() {
        return Ok(false);
    }
    let found = newest(domain, ResourceType::STRUCTURE_DEFINITION, &[("_count", "1")]).await?;
    if found.is_none() {
        domain.shared.profiles.put(ANY, now, None);
    }
    Ok(found.is_some())
}

/// The newest resource of a type with this canonical URL.
pub(super) async fn stored(
    domain: &Domain,
    kind: ResourceType,
    url: &str,
) -> Result<Option<Found>> {
    if url.is_empty() {
        return Ok(None);
    }
    let escaped = escaped(url);
    let pairs = [("url", escaped.as_str()), ("_sort", "-_lastUpdated"), ("_count", "1")];
    newest(domain, kind, &pairs).await
}

/// The first resource that a search finds.
async fn newest(
    domain: &Domain,
    kind: ResourceType,
    pairs: &[(&str, &str)],
) -> Result<Option<Found>> {
    let pairs: Vec<_> = pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    let query = {
        let (terms, catalogue) = (Terms::default(), domain.catalogue());
        let context = QueryContext::new(&catalogue, domain.base(), Handling::Strict, &terms);
        parse(context, kind, &pairs)?
    };
    let access = Access::internal("what a resource is judged by is for whoever sends it");
    let page = domain.store().search(&access, &[query], None).await?;
    Ok(page.found.into_iter().next().map(|found| Found(found.resource)))
}
