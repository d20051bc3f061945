//! What a case needs of the server, by the server's own word, and of the one who runs it.

use serde::Deserialize;
use serde_json::Value;

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
}

impl Need {
    /// Why it is not met; `None` where it is.
    pub(crate) fn lack(&self, discovery: &Value, variables: &Variables) -> Option<String> {
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
        };
        (!met).then_some(lack)
    }
}
