//! What a case needs of the server, by the server's own word, and of the one who runs it.

use serde::Deserialize;
use serde_json::Value;

use crate::declared::Declared;
use crate::variables::Variables;

/// A need; where it is not met the case is skipped.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
pub(crate) enum Need {
    /// One of `capabilities` in the discovery document.
    Capability(String),
    /// One of `grant_types_supported`.
    Grant(String),
    /// A member of the discovery document.
    Member(String),
    /// A variable that the run was given.
    Variable(String),
    /// TLS at the FHIR base.
    Https(bool),
    /// An interaction that the CapabilityStatement declares of a type, as `Patient.create`, or of the whole system,
    /// as `transaction`.
    Interaction(String),
    /// A search parameter that it declares of a type, as `Patient.birthdate`.
    Search(String),
    /// An operation that it declares, by its name without `$`.
    Operation(String),
    /// A member of a type's declaration that is true, or not `not-supported`, as `Patient.conditionalCreate`.
    Declared(String),
    /// A format that it declares: a MIME type.
    Format(String),
}

impl Need {
    /// Why it is not met; `None` where it is.
    pub(crate) fn lack(&self, declared: &Declared, variables: &Variables) -> Option<String> {
        let Declared { discovery, .. } = declared;
        let listed = |member: &str, word: &str| {
            let words = discovery.get(member).and_then(Value::as_array);
            words.is_some_and(|words| words.iter().any(|it| it.as_str() == Some(word)))
        };
        let (met, lack) = match self {
            Self::Capability(word) => {
                (listed("capabilities", word), format!("the server declares no `{word}`"))
            }
            Self::Grant(word) => {
                (listed("grant_types_supported", word), format!("it offers no grant `{word}`"))
            }
            Self::Member(name) => {
                (discovery.get(name).is_some(), format!("its discovery names no `{name}`"))
            }
            Self::Variable(name) => {
                (variables.get(name).is_some(), format!("needs --var {name}=…"))
            }
            Self::Https(wanted) => {
                let base = variables.get("base").unwrap_or_default();
                (base.starts_with("https:") == *wanted, "the base URL is http".to_owned())
            }
            Self::Interaction(name) => {
                (declared.interaction(name), format!("it declares no interaction `{name}`"))
            }
            Self::Search(name) => {
                (declared.search(name), format!("it declares no search parameter `{name}`"))
            }
            Self::Operation(name) => {
                (declared.operation(name), format!("it declares no operation `${name}`"))
            }
            Self::Declared(name) => (declared.says(name), format!("it declares no `{name}`")),
            Self::Format(mime) => (declared.format(mime), format!("it declares no {mime}")),
        };
        (!met).then_some(lack)
    }
}
