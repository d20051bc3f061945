//! What a Consent denies, as rules that are tested of each resource of its patient.
//! <https://hl7.org/fhir/R4/consent.html>
//!
//! A Consent is read as three levels, of which the innermost that speaks of a resource decides: the base rule
//! (`policyRule`: OPTIN or OPTOUT), `provision`, an exception to that, and the provisions within it, exceptions to
//! this one. Consent only ever narrows what rights let through, so what permits matters within what is denied alone.

mod codes;
mod criteria;

#[cfg(test)]
mod tests;

use canonical_model::{Resource, Result, Value};

use crate::catalogue::Catalogue;
use crate::keys::Key;
use crate::limits::{CONSENT_KEYS_MAX, CONSENT_PROVISIONS_MAX};
use criteria::{Criteria, Reader, TOO_MANY, refused, says_more, unread};

/// One rule of a Consent; a criterion that is `None` lets any pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentRule {
    /// Identity of the patient.
    pub patient: i64,
    /// What it does.
    pub effect: Effect,
    /// Types of resource, by number.
    pub types: Option<Vec<i16>>,
    /// Keys of labels or codes, of which a resource has one.
    pub keys: Option<Vec<Key>>,
    /// Identities of those who ask, or whom they work for.
    pub actors: Option<Vec<i64>>,
    /// What they do, as bits in the order of `cruds`.
    pub actions: Option<i16>,
    /// For which purposes of use.
    pub purposes: Option<Vec<String>>,
    /// From when, in microseconds since 1970.
    pub since: Option<i64>,
    /// Until when, itself not within.
    pub until: Option<i64>,
}

/// What a rule does where it applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Denies what none of the same Consent permits.
    Deny,
    /// Denies, whatever else the same Consent permits.
    DenyWithin,
    /// Takes out of what the same Consent denies.
    Permit,
}

/// The rules of an active privacy Consent of these patients; of any other resource none.
///
/// # Errors
/// Unprocessable where it narrows in a way that is not understood.
pub fn consent_rules(
    catalogue: &Catalogue,
    base: &str,
    resource: &Resource,
    patients: &[i64],
) -> Result<Vec<ConsentRule>> {
    if !is_in_force(resource) {
        return Ok(Vec::new());
    }
    let parts = read(Reader { catalogue, base }, resource)?;
    match patients {
        _ if parts.is_empty() => Ok(Vec::new()),
        [patient] => Ok(parts.into_iter().map(|part| rule(*patient, part)).collect()),
        _ => {
            Err(refused("patient", "Name the patient by a reference to a Patient of this server."))
        }
    }
}

/// The same; what is not understood, which no write brings here, denies all to whom consent binds.
pub(crate) fn rules_or_all(
    catalogue: &Catalogue,
    base: &str,
    resource: &Resource,
    patients: &[i64],
) -> Vec<ConsentRule> {
    let all = |patient: &i64| rule(*patient, (Effect::Deny, Criteria::default()));
    let rules = consent_rules(catalogue, base, resource, patients);
    rules.unwrap_or_else(|_| patients.iter().map(all).collect())
}

/// Whether it is a Consent to the use of data, and active. <https://hl7.org/fhir/R4/valueset-consent-scope.html>
fn is_in_force(resource: &Resource) -> bool {
    let body = resource.body();
    let scope = body.get("scope").and_then(|it| it.get("coding")).map(Value::items);
    let mut codes = scope.unwrap_or_default().iter().filter_map(|it| it.get("code"));
    resource.kind().name() == "Consent"
        && body.get("status").and_then(Value::as_str) == Some("active")
        && codes.any(|code| code.as_str() == Some("patient-privacy"))
}

type Part = (Effect, Criteria);

fn read(reader: Reader<'_>, resource: &Resource) -> Result<Vec<Part>> {
    let body = resource.body();
    if body.get("modifierExtension").is_some() {
        return Err(refused("modifierExtension", "It is not understood here. Leave it out."));
    }
    let base = body.get("policyRule").and_then(|it| it.get("coding")).map(Value::items);
    let code = |coding: &Value| coding.get("code").and_then(Value::as_str).and_then(codes::base);
    let base = base.unwrap_or_default().iter().find_map(code);
    let mut parts = Vec::new();
    let Some(provision) = body.get("provision") else {
        parts.extend((base == Some(true)).then(|| (Effect::Deny, Criteria::default())));
        return Ok(parts);
    };
    let within = provision.get("provision").map(Value::items).unwrap_or_default();
    if within.len() > CONSENT_PROVISIONS_MAX {
        return Err(unread("provision", "There are too many. Make several Consents of it."));
    }
    if within.iter().any(|one| one.get("provision").is_some()) {
        let text = "Exceptions of exceptions are not understood here. Make several Consents of it.";
        return Err(unread("provision.provision", text));
    }
    let denies = match (denies(provision)?, base, says_more(provision)) {
        (Some(denies), ..) => denies,
        // It says when the base rule holds.
        (None, Some(base), false) => {
            let criteria = Criteria::read(reader, provision, base)?;
            parts.extend(base.then_some((Effect::Deny, criteria)));
            return Ok(parts);
        }
        (None, Some(base), true) => !base,
        (None, None, false) => return Ok(parts),
        (None, None, true) => {
            return Err(unread(
                "type",
                "Say whether it permits or denies, or name OPTIN or OPTOUT as the policyRule.",
            ));
        }
    };
    let outer = criteria(reader, provision, denies)?;
    if base == Some(true) {
        parts.push((Effect::Deny, Criteria::default()));
    }
    if let Some(outer) = outer.clone().filter(|_| denies != (base == Some(true))) {
        parts.extend(match (denies, base) {
            (true, _) => Some((Effect::Deny, outer)),
            (false, Some(true)) => Some((Effect::Permit, outer)),
            (false, _) => None,
        });
    }
    let outer = outer.unwrap_or_default();
    for one in within {
        let inner = denies_within(one)?;
        let Some(criteria) = criteria(reader, one, inner)? else { continue };
        if inner == denies {
            continue;
        }
        let effect = if inner { Effect::DenyWithin } else { Effect::Permit };
        // Where the base rule permits, all that is denied is what the outer one speaks of.
        let both = match inner || base == Some(true) {
            true => criteria.and(&outer, inner),
            false => Some(criteria),
        };
        parts.extend(both.map(|criteria| (effect, criteria)));
    }
    let keys = parts.iter().map(|(_, criteria)| criteria.keys.as_ref().map_or(0, Vec::len));
    if keys.sum::<usize>() > CONSENT_KEYS_MAX {
        return Err(refused("provision", TOO_MANY));
    }
    // What permits is only ever looked at within what is denied.
    if parts.iter().all(|(effect, _)| *effect == Effect::Permit) {
        parts.clear();
    }
    Ok(parts)
}

/// What a provision speaks of. One that permits something that is not understood permits nothing: `None`.
fn criteria(reader: Reader<'_>, provision: &Value, denies: bool) -> Result<Option<Criteria>> {
    if provision.get("modifierExtension").is_some() {
        return Err(unread("modifierExtension", "It is not understood here. Leave it out."));
    }
    match Criteria::read(reader, provision, denies) {
        Err(_) if !denies => Ok(None),
        criteria => criteria.map(Some),
    }
}

fn denies(provision: &Value) -> Result<Option<bool>> {
    match provision.get("type").map(|it| it.as_str()) {
        None => Ok(None),
        Some(Some("permit")) => Ok(Some(false)),
        Some(Some("deny")) => Ok(Some(true)),
        Some(_) => Err(unread("type", "It is permit or deny.")),
    }
}

/// The specification asks for a type here. Without one it is taken to deny.
fn denies_within(provision: &Value) -> Result<bool> {
    Ok(denies(provision)?.unwrap_or(true))
}

fn rule(patient: i64, (effect, criteria): Part) -> ConsentRule {
    let Criteria { types, keys, actors, actions, purposes, since, until } = criteria;
    ConsentRule { patient, effect, types, keys, actors, actions, purposes, since, until }
}
