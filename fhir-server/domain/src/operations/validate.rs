//! `$validate`. <https://hl7.org/fhir/R4/resource-operation-validate.html>

use access::Action;
use canonical_model::{
    Error, Issue, IssueCode, Resource, ResourceId, ResourceType, Result, Severity, Value, json,
};
use store::Method;

use crate::hooks::Proposal;
use crate::interactions::read;
use crate::interactions::update::expect_identity;
use crate::judging::Judging;
use crate::limits::PROFILES_ASKED_MAX;
use crate::{Domain, Request};

/// What a resource would be used for. <https://hl7.org/fhir/R4/valueset-resource-validation-mode.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It would be created.
    Create,
    /// It would replace what is stored.
    Update,
    /// What is stored would be deleted.
    Delete,
    /// It is judged by the profiles that are named.
    Profile,
}

impl Mode {
    /// Reads the code.
    ///
    /// # Errors
    /// Invalid for any other.
    pub fn read(code: &str) -> Result<Self> {
        match code {
            "create" => Ok(Self::Create),
            "update" => Ok(Self::Update),
            "delete" => Ok(Self::Delete),
            "profile" => Ok(Self::Profile),
            _ => {
                Err(Error::invalid("mode: one of create, update, delete, profile").at("http.mode"))
            }
        }
    }
}

/// What is to be validated, and as what.
#[derive(Debug)]
pub struct Ask {
    /// The type that the path names.
    pub kind: ResourceType,
    /// The id that the path names.
    pub id: Option<ResourceId>,
    /// For what.
    pub mode: Option<Mode>,
    /// Profiles besides those that the resource claims.
    pub profiles: Vec<String>,
    /// The resource that was sent; without one, what is stored is meant.
    pub resource: Option<Value>,
}

/// What was found.
#[derive(Debug)]
pub struct Judged {
    /// Faults and remarks; never empty.
    pub issues: Vec<Issue>,
    /// Whom what is stored is about, where that was looked at.
    pub patients: Vec<i64>,
}

/// Judges a resource as it would be on its way in.
///
/// # Errors
/// Forbidden without the rights of the mode; Invalid where nothing is there to judge, or a parameter does not fit;
/// what reading what is stored runs into. Faults of the resource are no error.
pub async fn validate(domain: &Domain, request: &Request, ask: Ask) -> Result<Judged> {
    let Ask { kind, id, mode, profiles, resource } = ask;
    if profiles.len() > PROFILES_ASKED_MAX {
        let text = format!("profile: at most {PROFILES_ASKED_MAX} at once");
        return Err(Error::invalid(text).at("http.profile"));
    }
    if mode == Some(Mode::Profile) && profiles.is_empty() {
        let text = "profile: with mode=profile, name the profile";
        return Err(Error::invalid(text).at("http.profile"));
    }
    permitted(domain, request, kind, id.as_ref(), mode)?;
    let mut patients = Vec::new();
    let resource = match (resource, &id) {
        (Some(sent), _) => sent,
        (None, None) => return Err(Error::invalid("Send the resource that is to be validated.")),
        (None, Some(id)) => {
            let stored = read::look(domain, request, kind, id).await?;
            patients.clone_from(&stored.patients);
            json::parse(stored.text.as_deref().unwrap_or_default())?
        }
    };
    let issues = match mode {
        Some(Mode::Delete) => gone(domain, resource),
        _ => content(domain, kind, id.as_ref(), mode, &profiles, resource).await?,
    };
    Ok(Judged { issues: said(issues), patients })
}

/// The rights that the mode is about: it tells whether such a write would be taken.
fn permitted(
    domain: &Domain,
    request: &Request,
    kind: ResourceType,
    id: Option<&ResourceId>,
    mode: Option<Mode>,
) -> Result<()> {
    let action = match (mode, id) {
        (Some(Mode::Update), _) => Action::Update,
        (Some(Mode::Delete), None) => {
            let text = "mode: what is to be deleted is named by its id, as Type/id/$validate";
            return Err(Error::invalid(text).at("http.mode"));
        }
        (Some(Mode::Delete), Some(_)) => Action::Delete,
        (Some(Mode::Create), Some(_)) => {
            let text = "mode: a create has no id yet; send it to Type/$validate";
            return Err(Error::invalid(text).at("http.mode"));
        }
        (_, Some(_)) => Action::Read,
        (_, None) => Action::Create,
    };
    domain.decide(request, kind, action).map(drop)
}

/// Whether a deletion would be refused.
fn gone(domain: &Domain, resource: Value) -> Vec<Issue> {
    let refused = Resource::from_value(resource).and_then(|resource| {
        domain.hooks().check(&Proposal { method: Method::Delete, resource: &resource })
    });
    refused.err().map(|error| error.issues).unwrap_or_default()
}

async fn content(
    domain: &Domain,
    kind: ResourceType,
    id: Option<&ResourceId>,
    mode: Option<Mode>,
    profiles: &[String],
    resource: Value,
) -> Result<Vec<Issue>> {
    let resource = match Resource::from_value(resource) {
        Ok(resource) => resource,
        Err(error) => return Ok(error.issues),
    };
    if resource.kind() != kind {
        let text = format!("resourceType must be {kind}, as in the URL");
        return Err(Error::invalid(text).at("resourceType"));
    }
    let mut issues = Vec::new();
    if let (Some(Mode::Update), Some(id)) = (mode, id) {
        issues.extend(faults(expect_identity(kind, id, &resource)));
    }
    let method = match mode {
        Some(Mode::Create) => Some(Method::Create),
        Some(Mode::Update) => Some(Method::Update),
        _ => None,
    };
    if let Some(method) = method {
        issues.extend(faults(domain.hooks().check(&Proposal { method, resource: &resource })));
    }
    let structure = faults(conformance::validate(&resource));
    if structure.is_empty() {
        let judging = Judging::of(domain, &resource, profiles).await?;
        issues.extend(judging.judge(resource).await?);
    } else {
        issues.extend(structure);
        let text = "Rules and profiles were not checked: put the structure right first.";
        issues.push(Issue::information(IssueCode::Informational, text));
    }
    Ok(issues)
}

fn faults(outcome: Result<()>) -> Vec<Issue> {
    outcome.err().map(|error| error.issues).unwrap_or_default()
}

/// What is said where nothing is wrong.
fn said(mut issues: Vec<Issue>) -> Vec<Issue> {
    let wrong = |it: &Issue| matches!(it.severity, Severity::Fatal | Severity::Error);
    if !issues.iter().any(wrong) {
        issues.insert(0, Issue::information(IssueCode::Informational, "No fault was found."));
    }
    issues
}
