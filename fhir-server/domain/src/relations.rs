//! Whom a user treats, and who they are: looked up in what is stored, and remembered for as long as a change may take to
//! be heeded.
//!
//! A user treats patients of whom they are the general practitioner, on whose active care team they are, whose
//! encounters they take part in while these go on and for [`TREATED_AFTER_DAYS`] afterwards, and with whom they have
//! an appointment about now. Nothing is written for it: relationships are in resources already, and so is their index.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use access::{Access, Asker, Caller, Consent, Related, Relations};
use canonical_model::date::format_instant;
use canonical_model::{ResourceId, ResourceType, Result, Value, json};
use chrono::{DateTime, TimeDelta, Utc};
use search::query::{Handling, parse};
use search::{Query, QueryContext, Terms};

use crate::limits::{
    RELATED_CALLERS_MAX, RELATED_FOR_S, ROLES_MAX, TREATED_AFTER_DAYS, TREATED_MAX,
};
use crate::{Domain, consents};

/// Callers with their relationships, by their token and user, and when those of before were forgotten.
#[derive(Debug, Default)]
pub(crate) struct Known(Mutex<(HashMap<String, Since>, DateTime<Utc>)>);

type Since = (DateTime<Utc>, Arc<Caller>);

/// Whether what was known since then is trusted now.
fn is_fresh(since: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now - since < TimeDelta::seconds(RELATED_FOR_S) && now >= since
}

impl Domain {
    /// The caller with all that decides what they reach beside their token: relationships, where their roles ask for
    /// them, and who they are to Consents, where these bind. Any other caller as they are.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn relate(&self, caller: Arc<Caller>) -> Result<Arc<Caller>> {
        let rules = &self.shared.rules;
        let (related, bound) = (rules.asks_relations(&caller), rules.binds(&caller));
        if !related && !bound {
            return Ok(caller);
        }
        let asked = bound && consents::any(self).await?;
        let now = self.now();
        if let Some(known) = self.shared.related.of(&caller, asked, now) {
            return Ok(known);
        }
        let mut caller = Caller::clone(&caller);
        let members = if related || asked { members(self, &caller).await? } else { Vec::new() };
        caller.consent = if asked {
            let mut also = behind(self, &members).await?;
            also.extend(members.iter().cloned().chain(organisations(&caller)?));
            Consent::Some(Arc::new(Asker::new(&caller, also)))
        } else {
            Consent::None
        };
        if related {
            let treated = Relations::new(treated(self, &members, now).await?, members);
            let of = Relations::new(Vec::new(), organisations(&caller)?);
            caller.related = Some(Arc::new(Related::new(treated, of)));
        }
        let caller = Arc::new(caller);
        self.shared.related.keep(&caller, now);
        Ok(caller)
    }
}

fn organisations(caller: &Caller) -> Result<Vec<(ResourceType, ResourceId)>> {
    let kind = ResourceType::parse("Organization")?;
    Ok(caller.orgs.iter().map(|id| (kind, id.clone())).collect())
}

impl Known {
    fn of(&self, caller: &Caller, asked: bool, now: DateTime<Utc>) -> Option<Arc<Caller>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, known) = all.0.get(&name(caller))?;
        let fresh = is_fresh(*since, now);
        // A token's id is its own, but nothing here rests on that.
        let same = known.client_id == caller.client_id
            && known.subject == caller.subject
            && known.fhir_user == caller.fhir_user
            && (known.roles, &known.orgs) == (caller.roles, &caller.orgs)
            && (&known.patient, &known.purpose) == (&caller.patient, &caller.purpose)
            && known.generations == caller.generations
            && known.scopes == caller.scopes
            && matches!(known.consent, Consent::Some(_)) == asked;
        (fresh && same).then(|| Arc::clone(known))
    }

    /// Forgets those of before now and then: each holds the patients of a user.
    fn keep(&self, caller: &Arc<Caller>, now: DateTime<Utc>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, forgotten) = &mut *all;
        if !is_fresh(*forgotten, now) {
            known.retain(|_, (since, _)| is_fresh(*since, now));
            *forgotten = now;
        }
        if known.len() >= RELATED_CALLERS_MAX {
            known.clear();
        }
        known.insert(name(caller), (now, Arc::clone(caller)));
    }
}

/// A token, or the user themselves where there is none: on our own pages.
fn name(caller: &Caller) -> String {
    format!("{}\u{1f}{}", caller.token_id, caller.subject.as_deref().unwrap_or_default())
}

/// The user, and the roles that they have as resources.
async fn members(domain: &Domain, caller: &Caller) -> Result<Vec<(ResourceType, ResourceId)>> {
    let Some(user) = &caller.fhir_user else { return Ok(Vec::new()) };
    let mut members = vec![(user.kind, user.id.clone())];
    if user.kind == ResourceType::parse("Practitioner")? {
        let query = format!("practitioner={}&active=true", user.reference());
        let query = Query { count: ROLES_MAX, ..read(domain, "PractitionerRole", &query)? };
        let found = domain.store().names(&internal(), &query).await?;
        members.extend(found.into_iter().map(|(kind, id, _)| (kind, id)));
    }
    Ok(members)
}

/// Whose the roles among them are, and which organisations'. A Consent may speak of any of these.
async fn behind(
    domain: &Domain,
    members: &[(ResourceType, ResourceId)],
) -> Result<Vec<(ResourceType, ResourceId)>> {
    let role = ResourceType::parse("PractitionerRole")?;
    let mut all = Vec::new();
    for (kind, id) in members.iter().filter(|(kind, _)| *kind == role) {
        let stored = domain.store().read(&internal(), *kind, id).await?;
        let Some(text) = stored.and_then(|stored| stored.text) else { continue };
        let body = json::parse(&text)?;
        for element in ["practitioner", "organization"] {
            let reference = body.get(element).and_then(|it| it.get("reference"));
            all.extend(reference.and_then(Value::as_str).and_then(|it| here(domain, it)));
        }
    }
    Ok(all)
}

/// The resource of this server that a reference names.
fn here(domain: &Domain, reference: &str) -> Option<(ResourceType, ResourceId)> {
    let below = reference.strip_prefix(domain.base()).and_then(|it| it.strip_prefix('/'));
    let mut parts = below.unwrap_or(reference).split('/');
    let kind = ResourceType::find(parts.next()?)?;
    let id = ResourceId::parse(parts.next()?).ok()?;
    matches!(parts.next(), None | Some("_history")).then_some((kind, id))
}

/// The patients whom one of the members treats, as far as others than the patients themselves say so.
async fn treated(
    domain: &Domain,
    members: &[(ResourceType, ResourceId)],
    now: DateTime<Utc>,
) -> Result<Vec<ResourceId>> {
    if members.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<String> = members.iter().map(|(kind, id)| format!("{kind}/{id}")).collect();
    let names = names.join(",");
    let at = |days: i64| format_instant((now + TimeDelta::days(days)).timestamp_millis());
    let (before, today, after) = (at(-TREATED_AFTER_DAYS), at(0), at(TREATED_AFTER_DAYS));
    let mut patients = Vec::new();
    for (kind, query) in [
        ("CareTeam", format!("participant={names}&status=active&date=ge{today}")),
        ("CareTeam", format!("participant={names}&status=active&date:missing=true")),
        ("Encounter", format!("participant={names}&status=arrived,triaged,in-progress,onleave")),
        ("Encounter", format!("participant={names}&status=finished&date=ge{before}")),
        (
            "Appointment",
            format!(
                "actor={names}&status=booked,arrived,checked-in,fulfilled&date=ge{before}&date=le{after}"
            ),
        ),
    ] {
        let query = Query { count: TREATED_MAX, ..read(domain, kind, &query)? };
        patients.extend(domain.store().owners(&internal(), &query).await?);
    }
    patients.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
    patients.dedup();
    Ok(patients)
}

fn internal() -> Access {
    Access::internal("whom a user treats decides what they reach")
}

fn read(domain: &Domain, kind: &str, query: &str) -> Result<Query> {
    let (catalogue, terms) = (domain.catalogue(), Terms::default());
    let context = QueryContext::new(&catalogue, domain.base(), Handling::Strict, &terms);
    let pairs = search::query::parse_pairs(&query.replace('+', "%2B"))?;
    parse(context, ResourceType::parse(kind)?, &pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_are_known_for_seconds_and_then_forgotten() {
        let (known, begin) = (Known::default(), DateTime::<Utc>::UNIX_EPOCH);
        let at = |seconds: i64| begin + TimeDelta::seconds(seconds);
        let caller = |n: usize| {
            let caller = Caller { token_id: n.to_string().into(), ..Caller::of_client("app") };
            Arc::new(Caller { consent: Consent::None, ..caller })
        };
        let held = || known.0.lock().map(|all| all.0.len()).unwrap_or_default();
        (0..100).for_each(|n| known.keep(&caller(n), at(10)));
        assert!(known.of(&caller(7), false, at(13)).is_some());
        assert!(known.of(&caller(7), true, at(13)).is_none(), "there are Consents since");
        assert!(known.of(&caller(7), false, at(14)).is_none());
        assert!(known.of(&caller(7), false, at(9)).is_none());
        let other = Caller { subject: Some("u".into()), ..Caller::clone(&caller(7)) };
        assert!(known.of(&other, false, at(13)).is_none());
        assert_eq!(held(), 100);
        known.keep(&caller(100), at(14));
        assert_eq!(held(), 1);
    }
}
