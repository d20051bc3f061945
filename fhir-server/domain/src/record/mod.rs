//! Reading the record of accesses, as AuditEvents. What is read here is recorded like any access.

mod ask;
mod kind;
#[cfg(test)]
mod tests;
mod told;
mod view;

use access::Action;
use canonical_model::{Error, ResourceId, ResourceType, Result};
use chrono::DateTime;
use store::record::{JournalKey, JournalPage, JournalQuery, JournalRow};

use crate::{Domain, Request};
pub use ask::{Ask, Reach};
pub use view::{Seen, event_id, parse_event_id};

/// Events, and where to go on.
#[derive(Debug, Default)]
pub struct Shown {
    /// Ids and texts.
    pub events: Vec<(String, String)>,
    /// Behind which place there may be more.
    pub next: Option<JournalKey>,
    /// Identities of the patients whom they are about.
    pub patients: Vec<i64>,
}

/// A page of the record, newest first.
///
/// # Errors
/// Forbidden, also to ask of another patient than oneself; Unavailable.
pub async fn journal(
    domain: &Domain,
    request: &Request,
    ask: &Ask,
    behind: Option<JournalKey>,
) -> Result<Shown> {
    let reach = ask::reach(domain, request, Action::Search)?;
    let patient = match (&reach, &ask.patient) {
        (Reach::Own(own), Some(asked)) if own != asked => return Err(ask::forbidden()),
        (Reach::Own(own), _) => Some(own.clone()),
        (Reach::Everything, asked) => asked.clone(),
    };
    let query = query(domain, ask, patient.as_ref(), behind);
    let identity = query.patient;
    let page = domain.journal().page(&query, ask.count).await?;
    let mut shown = show(domain, &reach, &page.rows, identity, ask.count).await?;
    shown.next = shown.next.or(page.next);
    Ok(shown)
}

/// A page of what the record has of one patient, newest first, as rows: for auditors, for the patient, and for whoever
/// stands for the patient, who is shown of a row what it was about and not which resource, and none about what a label or
/// a Consent withholds from them: such a page may have fewer rows than there are, and go on.
///
/// # Errors
/// Forbidden for everybody else, and where the patient is withheld from who stands for the patient; Unavailable.
pub async fn about(
    domain: &Domain,
    request: &Request,
    patient: &ResourceId,
    ask: &Ask,
    behind: Option<JournalKey>,
) -> Result<JournalPage> {
    let stands_for = ask::expect_about(domain, request, patient)?;
    if stands_for {
        told::expect_patient(domain, request, patient).await?;
    }
    let page = domain.journal().page(&query(domain, ask, Some(patient), behind), ask.count).await?;
    if !stands_for {
        return Ok(page);
    }
    let rows = told::readable(domain, request, patient, page.rows).await?;
    Ok(JournalPage { rows, ..page })
}

/// What is asked, as the store is asked it.
fn query(
    domain: &Domain,
    ask: &Ask,
    patient: Option<&ResourceId>,
    behind: Option<JournalKey>,
) -> JournalQuery {
    let hasher = domain.store().hasher();
    let person = ask.agent.as_ref().filter(|agent| agent.contains('/'));
    JournalQuery {
        patient: patient.map(|id| hasher.identity(ResourceType::PATIENT, id.as_str())),
        person: person.cloned(),
        client: ask.agent.as_ref().filter(|agent| !agent.contains('/')).cloned(),
        from: ask.from,
        to: ask.to,
        actions: ask.actions.clone(),
        statuses: ask.statuses.clone(),
        disclosures: ask.disclosures,
        behind,
    }
}

/// One event, by its id. What is about somebody else is as absent as what is not there.
///
/// # Errors
/// Forbidden; NotFound.
pub async fn event(
    domain: &Domain,
    request: &Request,
    id: &ResourceId,
) -> Result<(String, Vec<i64>)> {
    let reach = ask::reach(domain, request, Action::Read)?;
    let absent = || Error::not_found("There is no such resource.");
    let (us, audit_id, n) = parse_event_id(id.as_str()).ok_or_else(absent)?;
    let at = DateTime::from_timestamp_micros(us).ok_or_else(absent)?;
    let row = domain.journal().row(at, audit_id).await?.ok_or_else(absent)?;
    let patient = row.patients.get(n).copied();
    if patient.is_none() && n > 0 {
        return Err(absent());
    }
    if let Reach::Own(own) = &reach {
        let own = domain.store().hasher().identity(ResourceType::PATIENT, own.as_str());
        if patient != Some(own) {
            return Err(absent());
        }
    }
    let ids = domain.store().patient_ids(patient.as_slice()).await?;
    let id = patient.and_then(|patient| ids.get(&patient)).map(String::as_str);
    let query = reach == Reach::Everything;
    let seen = Seen { row: &row, n, patient: id, base: domain.base(), query };
    Ok((seen.event().to_text(), patient.into_iter().collect()))
}

/// The events of rows: for one patient, or for each. A page ends between two rows.
async fn show(
    domain: &Domain,
    reach: &Reach,
    rows: &[JournalRow],
    only: Option<i64>,
    count: usize,
) -> Result<Shown> {
    let mut shown = Shown::default();
    let mut identities: Vec<i64> = match only {
        Some(only) => vec![only],
        None => rows.iter().flat_map(|row| row.patients.iter().copied()).collect(),
    };
    identities.sort_unstable();
    identities.dedup();
    let ids = domain.store().patient_ids(&identities).await?;
    let query = *reach == Reach::Everything;
    for (place, row) in rows.iter().enumerate() {
        let all = row.patients.iter().copied().enumerate();
        let wanted = all.filter(|(_, patient)| only.is_none_or(|only| only == *patient));
        let none = (row.patients.is_empty()).then_some((0, None));
        for (n, patient) in wanted.map(|(n, patient)| (n, Some(patient))).chain(none) {
            let id = patient.and_then(|patient| ids.get(&patient)).map(String::as_str);
            let seen = Seen { row, n, patient: id, base: domain.base(), query };
            shown.events.push((event_id(row, n), seen.event().to_text()));
            shown.patients.extend(patient);
        }
        if shown.events.len() >= count && place + 1 < rows.len() {
            shown.next = Some(row.key);
            break;
        }
    }
    shown.patients.sort_unstable();
    shown.patients.dedup();
    Ok(shown)
}
