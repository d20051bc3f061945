//! Who may read the record, and what is asked of it.

use access::{Action, Clause, Filter, Role};
use canonical_model::date::PartialDateTime;
use canonical_model::{Error, IssueCode, Kind, ResourceId, ResourceType, Result};
use chrono::{DateTime, Months, Utc};
use search::query::Pair;

use super::kind::LETTERS;
use crate::limits::{JOURNAL_COUNT_DEFAULT, JOURNAL_COUNT_MAX};
use crate::{Domain, Request};

/// How much of the record a caller may read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All.
    Everything,
    /// What is about this patient, who asks.
    Own(ResourceId),
}

/// Who reads all must be an auditor, or the operator's own program; a patient reads of oneself. The token's scopes
/// grant AuditEvent in either case.
///
/// # Errors
/// Forbidden.
pub(crate) fn reach(domain: &Domain, request: &Request, action: Action) -> Result<Reach> {
    let kind = ResourceType::AUDIT_EVENT;
    let access = domain.decide(request, kind, action)?;
    let caller = &request.caller;
    let is_auditor = caller.roles.contains(Role::Auditor) || caller.is_operator();
    // The record is asked as such, not by the parameters of a scope: a narrowed one reaches none of it.
    let everything = *access.filter() == Filter::Everything;
    let ways: Vec<_> = access.filter().clauses_for(kind).filter(|way| way.when.is_none()).collect();
    if ways.is_empty() && !everything {
        return Err(forbidden());
    }
    let wide = everything || ways.iter().any(|way| way.patients.is_none());
    if is_auditor && wide {
        return Ok(Reach::Everything);
    }
    let own = caller.fhir_user.as_ref().filter(|user| user.kind == ResourceType::PATIENT);
    match own {
        Some(user) if caller.patient.as_ref().is_none_or(|patient| *patient == user.id) => {
            Ok(Reach::Own(user.id.clone()))
        }
        _ => Err(forbidden()),
    }
}

/// Refuses who may not read what is about this patient: who reads all may, the patient, and whoever stands for the
/// patient. Whether it is as the last of these that the caller may.
///
/// # Errors
/// Forbidden.
pub(crate) fn expect_about(
    domain: &Domain,
    request: &Request,
    patient: &ResourceId,
) -> Result<bool> {
    let reach = reach(domain, request, Action::Search);
    let reaches = match &reach {
        Ok(Reach::Everything) => true,
        Ok(Reach::Own(own)) => own == patient,
        Err(_) => false,
    };
    if reaches {
        return Ok(false);
    }
    if stands_for(domain, request, patient)? {
        return Ok(true);
    }
    reach.and(Err(forbidden()))
}

/// Whether the caller stands for the patient, and may read AuditEvents so.
fn stands_for(domain: &Domain, request: &Request, patient: &ResourceId) -> Result<bool> {
    let caller = &request.caller;
    if !caller.roles.contains(Role::Proxy) || caller.patient.as_ref() != Some(patient) {
        return Ok(false);
    }
    let kind = ResourceType::AUDIT_EVENT;
    let access = domain.decide(request, kind, Action::Search)?;
    let of = |way: &Clause| way.patients.as_ref().is_some_and(|all| all.contains(patient));
    Ok(access.filter().clauses_for(kind).any(|way| way.when.is_none() && of(way)))
}

pub(crate) fn forbidden() -> Error {
    let text = "The record of accesses is read by auditors, and by patients of themselves.";
    Error::new(Kind::Forbidden, text)
}

/// What is asked of the record.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// About this patient.
    pub patient: Option<ResourceId>,
    /// By this person, as `Practitioner/1`, or else by this client.
    pub agent: Option<String>,
    /// At or after.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub to: Option<DateTime<Utc>>,
    /// The actions, numbered as in the database.
    pub actions: Vec<i16>,
    /// Ranges of HTTP statuses.
    pub statuses: Vec<(i16, i16)>,
    /// Disclosures alone.
    pub disclosures: bool,
    /// Events wanted.
    pub count: usize,
}

impl Ask {
    /// Reads `patient`, `agent`, `date`, `action`, `outcome` and `_count`.
    ///
    /// # Errors
    /// Invalid, naming the parameter.
    pub fn read(pairs: &[Pair]) -> Result<Self> {
        let mut ask = Self { count: JOURNAL_COUNT_DEFAULT, ..Self::default() };
        for (name, value) in pairs {
            match name.as_str() {
                "patient" => ask.patient = Some(patient(value)?),
                "agent" if !value.is_empty() => ask.agent = Some(value.clone()),
                "date" => ask.date(value)?,
                "action" => ask.actions(value)?,
                "outcome" => ask.outcomes(value)?,
                "_count" => ask.count = count(value)?,
                "_format" | "_pretty" | "_summary" | "_elements" => {}
                _ => {
                    let text =
                        "The record is asked by patient, agent, date, action, outcome and _count.";
                    return Err(Error::invalid(text).code(IssueCode::NotSupported));
                }
            }
        }
        Ok(ask)
    }

    /// Six years back, as an account of disclosures goes, where no period is asked for.
    #[must_use]
    pub fn of_six_years(self, now: DateTime<Utc>) -> Self {
        let begin = now.checked_sub_months(Months::new(72));
        Self { from: self.from.or(begin), disclosures: true, ..self }
    }

    /// <https://hl7.org/fhir/R4/search.html#prefix>
    fn date(&mut self, value: &str) -> Result<()> {
        let fault = || Error::invalid("date: expected a date or an instant, as ge2026-03-01");
        let (prefix, text) = match value.split_at_checked(2) {
            Some((prefix @ ("ge" | "gt" | "le" | "lt" | "eq"), text)) => (prefix, text),
            _ => ("eq", value),
        };
        let (lo, hi) = PartialDateTime::parse(text).map_err(|_| fault())?.range();
        let at = |micros| DateTime::from_timestamp_micros(micros).ok_or_else(fault);
        let (lo, hi) = (at(lo)?, at(hi)?);
        let (from, to) = match prefix {
            "ge" => (Some(lo), None),
            "gt" => (Some(hi), None),
            "le" => (None, Some(hi)),
            "lt" => (None, Some(lo)),
            _ => (Some(lo), Some(hi)),
        };
        self.from = self.from.max(from);
        self.to = match (self.to, to) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        Ok(())
    }

    fn actions(&mut self, value: &str) -> Result<()> {
        for letter in value.split(',') {
            let found = LETTERS.iter().find(|(known, _)| *known == letter);
            let (_, all) =
                found.ok_or_else(|| Error::invalid("action: some of C, R, U, D and E"))?;
            self.actions.extend(all.iter().map(|action| *action as i16));
        }
        Ok(())
    }

    fn outcomes(&mut self, value: &str) -> Result<()> {
        for code in value.split(',') {
            self.statuses.push(match code {
                "0" => (0, 399),
                "4" => (400, 499),
                "8" => (500, 599),
                _ => return Err(Error::invalid("outcome: some of 0, 4 and 8")),
            });
        }
        Ok(())
    }
}

fn patient(value: &str) -> Result<ResourceId> {
    ResourceId::parse(value.strip_prefix("Patient/").unwrap_or(value))
        .map_err(|_| Error::invalid("patient: expected the id of a Patient"))
}

fn count(value: &str) -> Result<usize> {
    let wish = value.parse::<usize>().ok().filter(|n| *n > 0);
    let wish = wish.ok_or_else(|| Error::invalid("_count: expected a number of events"))?;
    Ok(wish.min(JOURNAL_COUNT_MAX))
}
