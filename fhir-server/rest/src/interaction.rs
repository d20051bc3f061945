//! What can be asked of FHIR's API. Where each is asked for is in `routes`.

use std::fmt;

use access::{Action, Actions};
use canonical_model::{Error, Kind, ResourceId, ResourceType, Result};
use domain::interactions::search::Scope;
use domain::operations::Operation;
use http::Method;

use crate::routes::{allowed, find};

/// One interaction with its target.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words are the specification's")]
pub enum Interaction {
    Capabilities,
    Read(ResourceType, ResourceId),
    Vread(ResourceType, ResourceId, i32),
    Update(ResourceType, ResourceId),
    ConditionalUpdate(ResourceType),
    Patch(ResourceType, ResourceId),
    ConditionalPatch(ResourceType),
    Delete(ResourceType, ResourceId),
    ConditionalDelete(ResourceType),
    Create(ResourceType),
    HistoryInstance(ResourceType, ResourceId),
    HistoryType(ResourceType),
    HistorySystem,
    Search(Scope),
    Bundle,
    /// The record of accesses.
    Journal,
    /// One event of it.
    JournalEvent(ResourceId),
    /// What it has of a patient.
    AccessReport(ResourceId),
    /// What was disclosed of a patient.
    Disclosures(ResourceId),
    /// An operation on terminology, of a type or of one resource.
    Terminology(Operation, Option<ResourceId>),
    /// `$validate`, of a type or of what is stored.
    Validate(ResourceType, Option<ResourceId>),
    /// `$release` of what a Task keeps aside.
    Release(ResourceId),
    /// The definition of one of the server's own operations.
    Definition(ResourceId),
}

/// What an interaction asks of whoever calls for it, whatever else decides on single resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Nothing.
    Open,
    /// A token whose scopes grant all of these.
    Granted(Actions),
    /// A token; each entry, or all that is touched, asks for what it is.
    Entries,
    /// A token whose scopes grant these for AuditEvent, of an auditor or of a patient for oneself.
    Record(Actions),
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("open"),
            Self::Granted(actions) => write!(f, "granted {actions}"),
            Self::Entries => f.write_str("entries"),
            Self::Record(actions) => write!(f, "record {actions}"),
        }
    }
}

impl Interaction {
    /// Finds the interaction of a method and a path below the base. One slash at either end is
    /// passed over; an empty part between two is a part that names nothing.
    ///
    /// # Errors
    /// NotFound for a path that names nothing here, MethodNotAllowed for a method it does not take.
    pub fn of(method: &Method, path: &str) -> Result<Self> {
        match find(method, path)? {
            Some(interaction) => Ok(interaction),
            None if allowed(path).is_empty() => Err(nothing()),
            None => {
                let text = "This path does not take this method.";
                Err(Error::new(Kind::MethodNotAllowed, text))
            }
        }
    }

    /// A bounded label for metrics and traces.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Capabilities => "capabilities",
            Self::Read(..) => "read",
            Self::Vread(..) => "vread",
            Self::Update(..) => "update",
            Self::ConditionalUpdate(_) => "conditional-update",
            Self::Patch(..) => "patch",
            Self::ConditionalPatch(_) => "conditional-patch",
            Self::Delete(..) => "delete",
            Self::ConditionalDelete(_) => "conditional-delete",
            Self::Create(_) => "create",
            Self::HistoryInstance(..) => "history-instance",
            Self::HistoryType(_) => "history-type",
            Self::HistorySystem => "history-system",
            Self::Search(Scope::Type(_)) => "search-type",
            Self::Search(Scope::System) => "search-system",
            Self::Search(Scope::Compartment(..)) => "search-compartment",
            Self::Bundle => "transaction",
            Self::Journal => "journal",
            Self::JournalEvent(_) => "journal-event",
            Self::AccessReport(_) => "access-report",
            Self::Disclosures(_) => "accounting-of-disclosures",
            Self::Terminology(operation, _) => operation.name(),
            Self::Validate(..) => "validate",
            Self::Release(_) => "release",
            Self::Definition(_) => "operation-definition",
        }
    }

    /// What it asks.
    pub(crate) fn rule(&self) -> Rule {
        use Action::{Create, Delete, Read, Search, Update};
        let granted = |actions: &[Action]| Rule::Granted(actions.iter().copied().collect());
        match self {
            Self::Capabilities | Self::Definition(_) => Rule::Open,
            Self::Read(..) | Self::Vread(..) | Self::HistoryInstance(..) => granted(&[Read]),
            Self::Search(_) | Self::HistoryType(_) | Self::HistorySystem => granted(&[Search]),
            Self::Create(_) | Self::Validate(_, None) => granted(&[Create]),
            Self::Validate(_, Some(_)) => granted(&[Read]),
            Self::Update(..) | Self::Patch(..) => granted(&[Update]),
            Self::Delete(..) => granted(&[Delete]),
            Self::ConditionalUpdate(_) | Self::ConditionalPatch(_) => granted(&[Update, Search]),
            Self::ConditionalDelete(_) => granted(&[Delete, Search]),
            Self::Bundle | Self::Release(_) => Rule::Entries,
            Self::Journal | Self::AccessReport(_) | Self::Disclosures(_) => {
                Rule::Record([Search].into_iter().collect())
            }
            Self::JournalEvent(_) => Rule::Record([Read].into_iter().collect()),
            Self::Terminology(_, None) => granted(&[Search]),
            Self::Terminology(_, Some(_)) => granted(&[Read]),
        }
    }

    /// The type it is about.
    #[must_use]
    pub fn kind(&self) -> Option<ResourceType> {
        match self {
            Self::Capabilities | Self::HistorySystem | Self::Bundle => None,
            Self::Search(Scope::System) => None,
            Self::Journal | Self::JournalEvent(_) => Some(ResourceType::AUDIT_EVENT),
            Self::AccessReport(_) | Self::Disclosures(_) => Some(ResourceType::PATIENT),
            Self::Terminology(operation, _) => Some(operation.kind()),
            Self::Definition(_) => Some(ResourceType::OPERATION_DEFINITION),
            Self::Release(_) => Some(ResourceType::TASK),
            Self::Search(Scope::Compartment(_, _, kind)) => *kind,
            Self::Read(kind, _)
            | Self::Vread(kind, ..)
            | Self::Update(kind, _)
            | Self::ConditionalUpdate(kind)
            | Self::Patch(kind, _)
            | Self::ConditionalPatch(kind)
            | Self::Delete(kind, _)
            | Self::ConditionalDelete(kind)
            | Self::Create(kind)
            | Self::Validate(kind, _)
            | Self::HistoryInstance(kind, _)
            | Self::HistoryType(kind)
            | Self::Search(Scope::Type(kind)) => Some(*kind),
        }
    }

    /// The id it is about.
    #[must_use]
    pub fn id(&self) -> Option<&ResourceId> {
        match self {
            Self::Read(_, id)
            | Self::Vread(_, id, _)
            | Self::Update(_, id)
            | Self::Patch(_, id)
            | Self::Delete(_, id)
            | Self::HistoryInstance(_, id)
            | Self::JournalEvent(id)
            | Self::AccessReport(id)
            | Self::Disclosures(id)
            | Self::Release(id)
            | Self::Definition(id) => Some(id),
            Self::Terminology(_, id) => id.as_ref(),
            Self::Validate(_, id) => id.as_ref(),
            Self::Capabilities
            | Self::ConditionalUpdate(_)
            | Self::ConditionalPatch(_)
            | Self::ConditionalDelete(_)
            | Self::Create(_)
            | Self::HistoryType(_)
            | Self::HistorySystem
            | Self::Search(_)
            | Self::Journal
            | Self::Bundle => None,
        }
    }

    /// The patient whom its path names, whether there is such a patient or not.
    pub(crate) fn patient(&self) -> Option<&ResourceId> {
        match self {
            Self::Search(Scope::Compartment(ResourceType::PATIENT, id, _)) => Some(id),
            _ => self.id().filter(|_| self.kind() == Some(ResourceType::PATIENT)),
        }
    }
}

fn nothing() -> Error {
    Error::not_found("There is nothing under this path.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_interactions() {
        for (method, path, expected) in [
            ("GET", "metadata", "capabilities"),
            ("HEAD", "Patient/1", "read"),
            ("GET", "Patient/1/_history/2", "vread"),
            ("GET", "Patient/1/_history/x", "not-found"),
            ("PUT", "Patient/1", "update"),
            ("PUT", "Patient", "conditional-update"),
            ("PATCH", "Patient/1", "patch"),
            ("PATCH", "Patient", "conditional-patch"),
            ("DELETE", "Patient/1", "delete"),
            ("DELETE", "Patient", "conditional-delete"),
            ("POST", "Patient", "create"),
            ("POST", "Patient/_search", "search-type"),
            ("GET", "Patient", "search-type"),
            ("GET", "", "search-system"),
            ("POST", "_search", "search-system"),
            ("GET", "_search", "method-not-allowed"),
            ("GET", "Patient/1/Observation", "search-compartment"),
            ("POST", "Patient/1/Observation/_search", "search-compartment"),
            ("GET", "Patient/1/*", "search-compartment"),
            ("GET", "Patient/1/observation", "not-found"),
            ("GET", "Patient/_history", "history-type"),
            ("GET", "_history", "history-system"),
            ("POST", "", "transaction"),
            ("POST", "/", "transaction"),
            ("DELETE", "", "method-not-allowed"),
            ("POST", "Patient/1", "method-not-allowed"),
            ("POST", "metadata", "method-not-allowed"),
            ("GET", "Pacient/1", "not-found"),
            ("GET", "Patient/a b", "invalid"),
            ("GET", "Patient/1/2/3/4/5", "not-found"),
            ("POST", "Patient/$nothing", "not-found"),
            ("GET", "AuditEvent/$journal", "journal"),
            ("POST", "AuditEvent/$journal", "method-not-allowed"),
            ("GET", "AuditEvent/j-1764500000000000-7-0", "journal-event"),
            ("PUT", "AuditEvent/j-1764500000000000-7-0", "method-not-allowed"),
            ("GET", "AuditEvent/j-7", "read"),
            ("PUT", "AuditEvent/j-7", "update"),
            ("GET", "Patient/1/$access-report", "access-report"),
            ("GET", "Patient/1/$accounting-of-disclosures", "accounting-of-disclosures"),
            ("GET", "Group/1/$access-report", "not-found"),
            ("GET", "ValueSet/$expand", "expand"),
            ("POST", "ValueSet/1/$expand", "expand"),
            ("PUT", "ValueSet/$expand", "method-not-allowed"),
            ("GET", "CodeSystem/1/$lookup", "not-found"),
            ("POST", "CodeSystem/$expand", "not-found"),
            ("POST", "Group/$validate", "validate"),
            ("GET", "Group/1/$validate", "validate"),
            ("POST", "Group/1/$validate", "validate"),
            ("GET", "Group/$validate", "method-not-allowed"),
            ("PUT", "Group/1/$validate", "method-not-allowed"),
            ("POST", "Task/1/$release", "release"),
            ("GET", "Task/1/$release", "method-not-allowed"),
            ("POST", "Group/1/$release", "not-found"),
            ("GET", "OperationDefinition/Patient-access-report", "operation-definition"),
            ("PUT", "OperationDefinition/Patient-access-report", "method-not-allowed"),
            ("DELETE", "OperationDefinition/Patient-access-report", "method-not-allowed"),
            ("GET", "OperationDefinition/Patient-x", "read"),
            ("GET", "/Patient/1/", "read"),
            ("GET", "//Patient/1", "not-found"),
            ("GET", "Patient//1", "not-found"),
            ("GET", "Patient/1//", "not-found"),
            ("GET", "Patient/%2e%2e", "invalid"),
            ("GET", "Patient%2F1", "not-found"),
            ("PUT", "Pacient", "not-found"),
            ("BREW", "Patient/1", "method-not-allowed"),
            ("BREW", "Pacient/1", "not-found"),
        ] {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            let found = match Interaction::of(&method, path) {
                Ok(interaction) => interaction.name(),
                Err(error) => error.kind.as_str(),
            };
            assert_eq!(found, expected, "{method} {path}");
        }
    }
    #[test]
    fn says_what_a_path_takes() {
        for (path, expected) in [
            ("", "GET HEAD POST"),
            ("metadata", "GET HEAD"),
            ("_history", "GET HEAD"),
            ("Patient", "GET HEAD POST PUT PATCH DELETE"),
            ("Patient/_search", "POST"),
            ("Patient/_history", "GET HEAD"),
            ("Patient/1", "GET HEAD PUT PATCH DELETE"),
            ("Patient/1/_history", "GET HEAD"),
            ("Patient/1/_history/1", "GET HEAD"),
            ("Patient/1/_history/x", ""),
            ("Patient/1/name", ""),
            ("Pacient", ""),
        ] {
            let methods: Vec<&str> = allowed(path).into_iter().map(Method::as_str).collect();
            assert_eq!(methods.join(" "), expected, "{path}");
        }
    }
}
