//! What is done with resources that break a rule or a profile, as far as an operator chooses that.

use anyhow::{Context, Result};
use canonical_model::ResourceType;
use domain::{Faults, ValidationRule};
use serde::Deserialize;

/// `[validation]` of the settings file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Validation {
    faults: Option<Word>,
    #[serde(default, rename = "rule")]
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    r#type: Option<String>,
    client: Option<String>,
    faults: Word,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Reject,
    Quarantine,
    Warn,
    Ignore,
}

impl From<Word> for Faults {
    fn from(word: Word) -> Self {
        match word {
            Word::Reject => Self::Reject,
            Word::Quarantine => Self::Quarantine,
            Word::Warn => Self::Warn,
            Word::Ignore => Self::Ignore,
        }
    }
}

impl Validation {
    /// # Errors
    /// Where a rule names no resource type of R4.
    pub(crate) fn apply(self, chosen: &mut domain::Validation) -> Result<()> {
        if let Some(word) = self.faults {
            chosen.faults = word.into();
        }
        for rule in self.rules {
            let kind = match rule.r#type {
                None => None,
                Some(name) => Some(ResourceType::find(&name).with_context(|| {
                    format!("`type` under `[[validation.rule]]`: {name} is no resource type of R4.")
                })?),
            };
            let faults = rule.faults.into();
            chosen.rules.push(ValidationRule { kind, client: rule.client, faults });
        }
        Ok(())
    }
}
