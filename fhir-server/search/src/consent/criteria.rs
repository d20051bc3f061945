//! What one provision of a Consent speaks of. <https://hl7.org/fhir/R4/consent-definitions.html#Consent.provision>

use canonical_model::date::period_span;
use canonical_model::{Error, IssueCode, ResourceType, Result, Value};

use super::codes::{ACTORS, CUSTODIAN, RECIPIENTS, action, finds_codes, spread};
use crate::catalogue::Catalogue;
use crate::extract::reference::{Named, named};
use crate::keys::Key;
use crate::limits::CONSENT_KEYS_MAX;

/// What must hold of a resource, and of whoever asks; `None` is any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Criteria {
    pub(super) types: Option<Vec<i16>>,
    pub(super) keys: Option<Vec<Key>>,
    pub(super) actors: Option<Vec<i64>>,
    pub(super) actions: Option<i16>,
    pub(super) purposes: Option<Vec<String>>,
    pub(super) since: Option<i64>,
    pub(super) until: Option<i64>,
}

/// What reading needs to know.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) base: &'a str,
}

/// Whether a provision says more than when.
pub(super) fn says_more(provision: &Value) -> bool {
    let plain = |name: &str| matches!(name, "id" | "type" | "period" | "extension");
    provision.as_object().is_some_and(|all| all.iter().any(|(name, _)| !plain(name)))
}

impl Criteria {
    /// Of a provision that denies, or else permits.
    ///
    /// # Errors
    /// Unprocessable where it speaks of something that is not understood.
    pub(super) fn read(reader: Reader<'_>, provision: &Value, denies: bool) -> Result<Self> {
        let mut all = Self::default();
        let members = provision.as_object().map(|all| all.iter().collect::<Vec<_>>());
        let mut words = None;
        for (name, value) in members.unwrap_or_default() {
            match name {
                "id" | "type" | "provision" | "extension" => {}
                "period" => (all.since, all.until) = period(value)?,
                "class" => all.types = Some(classes(value)?),
                "actor" => all.actors = actors(reader, value, denies)?,
                "action" => all.actions = Some(actions(value)?),
                "purpose" => all.purposes = Some(purposes(value, denies)?),
                "securityLabel" | "code" if words.is_some() => {
                    let text = "A provision is told by securityLabel or by code here, not by both. Make two of it.";
                    return Err(unread(name, text));
                }
                "securityLabel" | "code" => words = Some((name, value)),
                name if name.starts_with('_') => {}
                _ => {
                    return Err(unread(
                        name,
                        "It is not understood here, and would narrow what is shown. Leave it out, or say it in another way.",
                    ));
                }
            }
        }
        if let Some((name, value)) = words {
            let types = all.types.clone();
            all.keys = Some(match name {
                "code" => reader.code_keys(types, value)?,
                _ => reader.label_keys(types, value, denies)?,
            });
        }
        Ok(all)
    }

    /// Where both hold; `None` where that is nowhere. Labels or codes of both cannot be said at once: what denies is
    /// then told by its own alone, so that it denies more, and what permits permits nothing.
    pub(super) fn and(self, other: &Self, denies: bool) -> Option<Self> {
        let keys = match (self.keys, &other.keys) {
            (Some(keys), Some(others)) if !denies && keys != *others => return None,
            (keys, others) => keys.or_else(|| others.clone()),
        };
        let all = Self {
            keys,
            types: common(self.types, other.types.as_ref()),
            actors: common(self.actors, other.actors.as_ref()),
            purposes: common(self.purposes, other.purposes.as_ref()),
            actions: match (self.actions, other.actions) {
                (Some(one), Some(other)) => Some(one & other),
                (one, other) => one.or(other),
            },
            since: self.since.max(other.since),
            until: match (self.until, other.until) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            },
        };
        (!all.is_nowhere()).then_some(all)
    }

    fn is_nowhere(&self) -> bool {
        let ends = self.since.zip(self.until).is_some_and(|(since, until)| since >= until);
        let none = self.actors.as_ref().is_some_and(Vec::is_empty)
            || self.types.as_ref().is_some_and(Vec::is_empty)
            || self.purposes.as_ref().is_some_and(Vec::is_empty);
        ends || none || self.actions == Some(0)
    }
}

fn common<T: PartialEq + Clone>(one: Option<Vec<T>>, other: Option<&Vec<T>>) -> Option<Vec<T>> {
    match (one, other) {
        (Some(mut one), Some(other)) => {
            one.retain(|item| other.contains(item));
            Some(one)
        }
        (one, other) => one.or_else(|| other.cloned()),
    }
}

impl Reader<'_> {
    /// The keys of resources with one of these labels, of whatever system.
    fn label_keys(self, types: Option<Vec<i16>>, labels: &Value, denies: bool) -> Result<Vec<Key>> {
        let mut codes = Vec::new();
        for label in labels.items() {
            codes.extend(spread(code(label, "securityLabel")?, denies));
        }
        let hasher = self.catalogue.hasher();
        let mut keys = Vec::new();
        for kind in self.kinds(types)? {
            let param = hasher.param(kind, crate::labels::PARAMETER);
            keys.extend(codes.iter().map(|code| hasher.code(param, code)));
        }
        few(keys)
    }

    /// The keys of resources that hold one of these codes, of whatever system, where a search finds it.
    fn code_keys(self, types: Option<Vec<i16>>, concepts: &Value) -> Result<Vec<Key>> {
        let mut codes = Vec::new();
        for concept in concepts.items() {
            codes.extend(codings(concept, "code")?);
        }
        let hasher = self.catalogue.hasher();
        let mut keys = Vec::new();
        for kind in self.kinds(types)? {
            let plan = self.catalogue.plan(kind)?;
            let params = plan.params.iter().filter(|param| finds_codes(param));
            for param in params.flat_map(|param| param.lookups()) {
                keys.extend(codes.iter().map(|code| hasher.code(param, code)));
            }
        }
        few(keys)
    }

    /// These types, or all that patients have resources of.
    fn kinds(self, types: Option<Vec<i16>>) -> Result<Vec<ResourceType>> {
        if let Some(types) = types {
            return Ok(types.into_iter().filter_map(ResourceType::from_number).collect());
        }
        let mut kinds = Vec::new();
        for kind in ResourceType::all() {
            let plan = self.catalogue.plan(kind)?;
            if kind == ResourceType::PATIENT || plan.params.iter().any(|it| it.compartment) {
                kinds.push(kind);
            }
        }
        Ok(kinds)
    }
}

/// What is said where more is to be looked for in each resource than can be in a reasonable time.
pub(super) const TOO_MANY: &str = "These are too many labels and codes for all types at once. Name classes beside them, or fewer codes.";

/// Each once.
fn few(mut keys: Vec<Key>) -> Result<Vec<Key>> {
    keys.sort_unstable();
    keys.dedup();
    if keys.len() > CONSENT_KEYS_MAX {
        return Err(unread("code", TOO_MANY));
    }
    Ok(keys)
}

fn period(value: &Value) -> Result<(Option<i64>, Option<i64>)> {
    let end = |name: &str| value.get(name).and_then(Value::as_str);
    let (since, until) = period_span(end("start"), end("end"))?;
    if since >= until {
        return Err(unread("period", "It ends before it begins."));
    }
    Ok(((since > i64::MIN).then_some(since), (until < i64::MAX).then_some(until)))
}

/// Types of resource. <https://hl7.org/fhir/R4/valueset-consent-content-class.html>
fn classes(value: &Value) -> Result<Vec<i16>> {
    let kind = |class: &Value| {
        let kind = ResourceType::find(code(class, "class")?);
        let text = "Only types of resource are understood as a class here, as Observation. Use them, or code.";
        Ok(kind.ok_or_else(|| unread("class", text))?.number())
    };
    value.items().iter().map(kind).collect()
}

/// Those who get the data, as identities; `None` where a denial is of whomever.
fn actors(reader: Reader<'_>, value: &Value, denies: bool) -> Result<Option<Vec<i64>>> {
    let mut all = Vec::new();
    for actor in value.items() {
        let roles = match actor.get("role") {
            Some(role) => codings(role, "actor.role")?,
            None => Vec::new(),
        };
        if denies && roles.contains(&CUSTODIAN) {
            return Ok(None);
        }
        if !roles.iter().any(|role| RECIPIENTS.contains(role)) {
            let text = format!(
                "Only those who get the data are understood as actors here: name the role as one of {}.",
                RECIPIENTS.join(", ")
            );
            return Err(unread("actor.role", &text));
        }
        let reference = actor.get("reference").and_then(|it| it.get("reference"));
        let reference = reference.and_then(Value::as_str);
        match reference.and_then(|text| named(text, reader.base)) {
            Some(Named::Here { kind, id, .. }) if ACTORS.contains(&kind.name()) => {
                all.push(reader.catalogue.hasher().identity(kind, id));
            }
            _ => {
                let text = format!(
                    "An actor is a reference to one of this server's {}.",
                    ACTORS.join(", ")
                );
                return Err(unread("actor.reference", &text));
            }
        }
    }
    Ok(Some(all))
}

fn actions(value: &Value) -> Result<i16> {
    let mut all = 0;
    for concept in value.items() {
        for code in codings(concept, "action")? {
            let text = "Actions are collect, access, use, disclose and correct.";
            all |= action(code).ok_or_else(|| unread("action", text))?;
        }
    }
    Ok(all)
}

fn purposes(value: &Value, denies: bool) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for purpose in value.items() {
        all.extend(spread(code(purpose, "purpose")?, denies).into_iter().map(str::to_owned));
    }
    Ok(all)
}

/// The code of a Coding.
fn code<'a>(coding: &'a Value, name: &str) -> Result<&'a str> {
    let code = coding.get("code").and_then(Value::as_str).map(str::trim);
    code.filter(|code| !code.is_empty()).ok_or_else(|| unread(name, "It needs a code."))
}

/// The codes of a CodeableConcept, one at least.
pub(super) fn codings<'a>(concept: &'a Value, name: &str) -> Result<Vec<&'a str>> {
    let codings = concept.get("coding").map(Value::items).unwrap_or_default();
    if codings.is_empty() {
        return Err(unread(name, "It needs a coding, a text alone is not understood."));
    }
    codings.iter().map(|coding| code(coding, name)).collect()
}

/// Of an element of the provision.
pub(super) fn unread(name: &str, text: &str) -> Error {
    refused(&format!("provision.{name}"), text)
}

/// Of an element of the Consent.
pub(super) fn refused(name: &str, text: &str) -> Error {
    let said = format!("This active privacy Consent would not be honoured as it stands. {text}");
    Error::unprocessable(said).code(IssueCode::NotSupported).at(&format!("Consent.{name}"))
}
