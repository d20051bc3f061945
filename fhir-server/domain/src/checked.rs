//! What is done with what breaks a rule of R4 or of a profile that it claims. What is no FHIR at all, the structural
//! pass refuses before; nobody chooses otherwise.

use std::fmt;

use canonical_model::json::Object;
use canonical_model::{
    Error, Issue, Kind, Resource, ResourceType, Result, Severity, Value, object,
};
use store::Stored;

use crate::judging::Judging;
use crate::{Domain, Request};

/// What happens to a resource with faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Faults {
    /// It is refused.
    Reject,
    /// It is kept aside, as what was asked for, until somebody releases it.
    Quarantine,
    /// It is stored with a tag, and the answer says what is wrong.
    #[default]
    Warn,
    /// Nobody looks.
    Ignore,
}

/// Who is treated how. The first rule that fits decides.
#[derive(Clone, Debug, Default)]
pub struct Validation {
    /// Where no rule fits.
    pub faults: Faults,
    /// For some types and clients.
    pub rules: Vec<ValidationRule>,
}

/// How resources of a type, or of a client, or both, are treated.
#[derive(Clone, Debug)]
pub struct ValidationRule {
    /// Of this type; of any.
    pub kind: Option<ResourceType>,
    /// By this client; by any.
    pub client: Option<String>,
    /// So.
    pub faults: Faults,
}

impl Validation {
    /// What happens to a resource of a type that a client writes.
    #[must_use]
    pub fn of(&self, kind: ResourceType, client: &str) -> Faults {
        let fits = |rule: &&ValidationRule| {
            rule.kind.is_none_or(|it| it == kind)
                && rule.client.as_deref().is_none_or(|it| it == client)
        };
        self.rules.iter().find(fits).map_or(self.faults, |rule| rule.faults)
    }

    /// Whether anything may be kept aside.
    #[must_use]
    pub fn keeps_aside(&self) -> bool {
        let mut all = self.rules.iter().map(|rule| rule.faults).chain([self.faults]);
        all.any(|faults| faults == Faults::Quarantine)
    }
}

/// What happens to a resource of a type that a request writes. What is released is stored with its faults.
pub(crate) fn faults(domain: &Domain, request: &Request, kind: ResourceType) -> Faults {
    match domain.policy().validation.of(kind, &request.caller.client_id) {
        Faults::Quarantine if request.releases => Faults::Warn,
        faults => faults,
    }
}

/// Says of an error that what was asked for is to be kept aside.
#[derive(Debug)]
struct ToKeep;

impl fmt::Display for ToKeep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it is to be kept aside")
    }
}

impl std::error::Error for ToKeep {}

/// Whether an error says so.
#[must_use]
pub fn is_to_keep(error: &Error) -> bool {
    error.cause.as_ref().is_some_and(|cause| cause.is::<ToKeep>())
}

/// The tag of what is stored with faults: system and code.
const TAG: (&str, &str) = ("https://carebridge.example/CodeSystem/validation", "faults");

/// Judges what is about to be written by what is known of profiles, and says what is wrong with it. The tag is put on
/// and taken off here alone.
///
/// # Errors
/// Unprocessable where faults are refused, or what has them is to be kept aside.
pub(crate) fn checked(
    domain: &Domain,
    request: &Request,
    judging: &Judging,
    resource: &mut Resource,
) -> Result<Vec<Issue>> {
    let faults = faults(domain, request, resource.kind());
    if faults == Faults::Ignore {
        return Ok(Vec::new());
    }
    let mut issues = judging.errors(resource);
    if faults == Faults::Quarantine {
        // As it is once it is released: then the same again is no change.
        tag(resource, !issues.is_empty());
    }
    if faults != Faults::Warn && !issues.is_empty() {
        let mut error = Error::from_issues(Kind::Unprocessable, issues);
        error.cause = (faults == Faults::Quarantine).then(|| ToKeep.into());
        return Err(error);
    }
    tag(resource, !issues.is_empty());
    for issue in &mut issues {
        issue.severity = Severity::Warning;
    }
    Ok(issues)
}

/// What was said of a version when it was written, for a request that is repeated.
///
/// # Errors
/// Unavailable or Internal.
pub(crate) async fn said_again(
    domain: &Domain,
    request: &Request,
    version: &Stored,
) -> Result<Vec<Issue>> {
    let read = version.text.as_ref().and_then(|text| Resource::parse(text).ok());
    let Some(mut resource) = read else { return Ok(Vec::new()) };
    let judging = Judging::of_write(domain, request, &resource).await?;
    Ok(checked(domain, request, &judging, &mut resource).unwrap_or_default())
}

/// Puts the tag on, or takes it off.
fn tag(resource: &mut Resource, wanted: bool) {
    let tagged = resource.members().get("meta").and_then(|meta| meta.get("tag"));
    let tagged = tagged.is_some_and(|tags| tags.items().iter().any(is_tag));
    if tagged == wanted {
        return;
    }
    let (kind, blob) = (resource.kind(), resource.blob().copied());
    let mut body = resource.body().clone();
    if let Some(object) = body.as_object_mut() {
        let mut meta = match object.remove("meta") {
            Some(Value::Object(meta)) => meta,
            _ => Object::new(),
        };
        let mut tags = match meta.remove("tag") {
            Some(Value::Array(tags)) => tags,
            _ => Vec::new(),
        };
        tags.retain(|it| !is_tag(it));
        if wanted {
            tags.push(Value::Object(object! { "system": TAG.0, "code": TAG.1 }));
        }
        if !tags.is_empty() {
            meta.set("tag", tags);
        }
        if !meta.is_empty() {
            object.set("meta", meta);
        }
    }
    if let Ok(changed) = Resource::from_value(body) {
        debug_assert_eq!(changed.kind(), kind);
        *resource = changed.with_blob(blob);
    }
}

fn is_tag(tag: &Value) -> bool {
    let part = |name: &str| tag.get(name).and_then(Value::as_str);
    part("system") == Some(TAG.0) && part("code") == Some(TAG.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_fits_decides() {
        let rule = |kind: Option<&str>, client: Option<&str>, faults| ValidationRule {
            kind: kind.and_then(ResourceType::find),
            client: client.map(str::to_owned),
            faults,
        };
        let rules = vec![
            rule(Some("Patient"), Some("a"), Faults::Ignore),
            rule(Some("Patient"), None, Faults::Reject),
            rule(None, Some("b"), Faults::Reject),
        ];
        let validation = Validation { faults: Faults::Warn, rules };
        for (kind, client, expected) in [
            ("Patient", "a", Faults::Ignore),
            ("Patient", "c", Faults::Reject),
            ("Group", "b", Faults::Reject),
            ("Group", "a", Faults::Warn),
        ] {
            let kind = ResourceType::find(kind).expect("a type");
            assert_eq!(validation.of(kind, client), expected, "{kind} {client}");
        }
    }

    #[test]
    fn the_tag_goes_on_and_off_and_leaves_others() {
        let plain = r#"{"resourceType":"Patient","meta":{"tag":[{"code":"x"}]},"active":true}"#;
        let mut patient = Resource::parse(plain.as_bytes()).expect("a patient");
        tag(&mut patient, true);
        let tags = patient.members().get("meta").and_then(|meta| meta.get("tag"));
        assert_eq!(tags.map(|tags| tags.items().len()), Some(2));
        tag(&mut patient, true);
        assert_eq!(patient.to_text().matches("CodeSystem/validation").count(), 1);
        tag(&mut patient, false);
        let mut bare = Resource::parse(br#"{"resourceType":"Patient"}"#).expect("a patient");
        tag(&mut bare, true);
        tag(&mut bare, false);
        assert_eq!(bare.to_text(), r#"{"resourceType":"Patient"}"#);
        assert_eq!(patient.body(), Resource::parse(plain.as_bytes()).expect("a patient").body());
    }
}
