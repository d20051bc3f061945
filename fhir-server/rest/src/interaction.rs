//! The table of contents: which method and path is which interaction.
//! <https://hl7.org/fhir/R4/http.html#summary>

use canonical_model::{Error, Kind, ResourceId, ResourceType, Result};
use http::Method;

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
    Search(ResourceType),
    Bundle,
}

impl Interaction {
    /// Finds the interaction of a method and a path below the base, without slashes at its ends.
    ///
    /// # Errors
    /// NotFound for a path that names nothing here, MethodNotAllowed for a method it does not take.
    pub fn of(method: &Method, path: &str) -> Result<Self> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let reads = method == Method::GET || method == Method::HEAD;
        match (method.as_str(), parts.as_slice()) {
            ("GET" | "HEAD", ["metadata"]) => Ok(Self::Capabilities),
            ("GET" | "HEAD", ["_history"]) => Ok(Self::HistorySystem),
            ("POST", []) => Ok(Self::Bundle),

            ("GET" | "HEAD", [kind]) => Ok(Self::Search(known(kind)?)),
            ("POST", [kind, "_search"]) => Ok(Self::Search(known(kind)?)),
            ("POST", [kind]) => Ok(Self::Create(known(kind)?)),
            ("PUT", [kind]) => Ok(Self::ConditionalUpdate(known(kind)?)),
            ("PATCH", [kind]) => Ok(Self::ConditionalPatch(known(kind)?)),
            ("DELETE", [kind]) => Ok(Self::ConditionalDelete(known(kind)?)),

            ("GET" | "HEAD", [kind, "_history"]) => Ok(Self::HistoryType(known(kind)?)),
            ("GET" | "HEAD", [kind, id]) if plain(id) => Ok(Self::Read(known(kind)?, named(id)?)),
            ("PUT", [kind, id]) if plain(id) => Ok(Self::Update(known(kind)?, named(id)?)),
            ("PATCH", [kind, id]) if plain(id) => Ok(Self::Patch(known(kind)?, named(id)?)),
            ("DELETE", [kind, id]) if plain(id) => Ok(Self::Delete(known(kind)?, named(id)?)),

            ("GET" | "HEAD", [kind, id, "_history"]) => {
                Ok(Self::HistoryInstance(known(kind)?, named(id)?))
            }
            ("GET" | "HEAD", [kind, id, "_history", version]) => {
                Ok(Self::Vread(known(kind)?, named(id)?, numbered(version)?))
            }
            _ if reads && parts.len() > 4 => Err(nothing()),
            _ => Err(not_so(&parts)),
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
            Self::Search(_) => "search-type",
            Self::Bundle => "transaction",
        }
    }

    /// The type it is about.
    #[must_use]
    pub fn kind(&self) -> Option<ResourceType> {
        match self {
            Self::Capabilities | Self::HistorySystem | Self::Bundle => None,
            Self::Read(kind, _)
            | Self::Vread(kind, ..)
            | Self::Update(kind, _)
            | Self::ConditionalUpdate(kind)
            | Self::Patch(kind, _)
            | Self::ConditionalPatch(kind)
            | Self::Delete(kind, _)
            | Self::ConditionalDelete(kind)
            | Self::Create(kind)
            | Self::HistoryInstance(kind, _)
            | Self::HistoryType(kind)
            | Self::Search(kind) => Some(*kind),
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
            | Self::HistoryInstance(_, id) => Some(id),
            Self::Capabilities
            | Self::ConditionalUpdate(_)
            | Self::ConditionalPatch(_)
            | Self::ConditionalDelete(_)
            | Self::Create(_)
            | Self::HistoryType(_)
            | Self::HistorySystem
            | Self::Search(_)
            | Self::Bundle => None,
        }
    }
}

fn plain(segment: &str) -> bool {
    !segment.starts_with(['_', '$'])
}

fn known(name: &str) -> Result<ResourceType> {
    ResourceType::find(name).ok_or_else(|| {
        Error::not_found(
            "The path names no resource type of FHIR R4. Types are spelt as `Patient`.",
        )
    })
}

fn named(id: &str) -> Result<ResourceId> {
    ResourceId::parse(id)
}

/// A version that is no number of ours names nothing.
fn numbered(version: &str) -> Result<i32> {
    let digits = version.bytes().all(|b| b.is_ascii_digit()) && !version.starts_with('0');
    match version.parse() {
        Ok(number) if digits => Ok(number),
        _ => Err(Error::not_found("There is no such version.")),
    }
}

fn nothing() -> Error {
    Error::not_found("There is nothing under this path.")
}

/// Tells a path that exists under another method from one that does not exist.
fn not_so(parts: &[&str]) -> Error {
    let exists = match parts {
        [] | ["metadata" | "_history"] => true,
        [kind] | [kind, "_search" | "_history"] => ResourceType::find(kind).is_some(),
        [kind, id] | [kind, id, "_history"] | [kind, id, "_history", _] => {
            ResourceType::find(kind).is_some() && ResourceId::is_legal(id)
        }
        _ => false,
    };
    if exists {
        Error::new(Kind::MethodNotAllowed, "This path does not take this method.")
    } else {
        nothing()
    }
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
        ] {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            let found = match Interaction::of(&method, path) {
                Ok(interaction) => interaction.name(),
                Err(error) => error.kind.as_str(),
            };
            assert_eq!(found, expected, "{method} {path}");
        }
    }
}
