//! What of a patient's record whoever stands for the patient is told: nothing where the patient is withheld from them,
//! and no row of what is, by a label or a Consent, for that somebody wrote or read it says that it is there.

use std::collections::HashMap;

use access::Action;
use canonical_model::{Kind, ResourceId, ResourceType, Result};
use search::query::Handling;
use store::record::JournalRow;

use super::ask::forbidden;
use super::parse_event_id;
use crate::interactions::search::{Scope, queries, search};
use crate::{Domain, Request};

/// Refuses whoever the patient is withheld from, as if they stood for nobody.
///
/// # Errors
/// Forbidden.
pub(super) async fn expect_patient(
    domain: &Domain,
    request: &Request,
    patient: &ResourceId,
) -> Result<()> {
    match is_readable(domain, request, ResourceType::PATIENT, patient).await? {
        true => Ok(()),
        false => Err(forbidden()),
    }
}

/// The rows about what the caller may read now: of one resource where it is one, else of anything of that type that the
/// patient has. What names no type is told: it is about the patient alone.
pub(super) async fn readable(
    domain: &Domain,
    request: &Request,
    patient: &ResourceId,
    rows: Vec<JournalRow>,
) -> Result<Vec<JournalRow>> {
    let mut known = HashMap::new();
    let mut told = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(kind) = row.kind.and_then(ResourceType::from_number) else {
            told.push(row);
            continue;
        };
        let place = (kind, row.id.clone());
        let tells = match known.get(&place) {
            Some(tells) => *tells,
            None => tells(domain, request, patient, kind, place.1.as_deref()).await?,
        };
        known.insert(place, tells);
        if tells {
            told.push(row);
        }
    }
    Ok(told)
}

/// Whether a row of this type, and about this resource of it or about several, is told.
async fn tells(
    domain: &Domain,
    request: &Request,
    patient: &ResourceId,
    kind: ResourceType,
    id: Option<&str>,
) -> Result<bool> {
    match id {
        // The record was read itself.
        None if kind == ResourceType::AUDIT_EVENT => Ok(true),
        Some(id) if kind == ResourceType::AUDIT_EVENT && parse_event_id(id).is_some() => Ok(true),
        Some(id) => match ResourceId::parse(id) {
            Ok(id) => is_readable(domain, request, kind, &id).await,
            Err(_) => Ok(false),
        },
        None => has(domain, request, patient, kind).await,
    }
}

/// Whether the resource is there for the caller; one that was deleted, by what it was before.
async fn is_readable(
    domain: &Domain,
    request: &Request,
    kind: ResourceType,
    id: &ResourceId,
) -> Result<bool> {
    let access = match domain.decide(request, kind, Action::Read) {
        Err(error) if error.kind == Kind::Forbidden => return Ok(false),
        access => access?,
    };
    let Some(stored) = domain.store().read(&access, kind, id).await? else { return Ok(false) };
    if stored.text.is_some() {
        return Ok(true);
    }
    let (before, extract) = (stored.version - 1, |it: &_| domain.extract(it));
    Ok(domain.store().vread(&access, kind, id, before, &extract).await?.is_some())
}

/// Whether the caller finds any of the type that is the patient's.
async fn has(
    domain: &Domain,
    request: &Request,
    patient: &ResourceId,
    kind: ResourceType,
) -> Result<bool> {
    if kind == ResourceType::PATIENT {
        return Ok(true);
    }
    let scope = Scope::Compartment(ResourceType::PATIENT, patient.clone(), Some(kind));
    let one = [("_count".to_owned(), "1".to_owned())];
    let found = async {
        let queries = queries(domain, request, &scope, &one, Handling::Strict).await?;
        search(domain, request, &queries, None).await
    };
    match found.await {
        Ok(searched) => Ok(!searched.page.found.is_empty()),
        // No type of the compartment, or none that the caller may see.
        Err(error) if matches!(error.kind, Kind::Forbidden | Kind::NotFound) => Ok(false),
        Err(error) => Err(error),
    }
}
