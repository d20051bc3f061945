//! Names that stand for values in a case's texts.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// Values by name. They hold secrets, so debug text shows names alone.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Sets a value.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), value.into());
    }

    /// Sets all of `others`, which win over what is set.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// The value, if it was set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Replaces each `{name}`; braces around what is no name stay, as those of JSON do.
    pub(crate) fn fill(&self, text: &str) -> Result<String> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            match after.split_once('}').filter(|(name, _)| is_name(name)) {
                Some((name, behind)) => {
                    let value = self.get(name).with_context(|| format!("{name} is not set"))?;
                    filled.push_str(value);
                    rest = behind;
                }
                None => {
                    filled.push('{');
                    rest = after;
                }
            }
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|it| it.is_ascii_lowercase() || matches!(it, b'_' | b'0'..=b'9'))
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_filled_and_json_is_left() {
        let mut variables = Variables::default();
        variables.set("id", "7");
        for (text, filled) in [
            ("{base_less", "{base_less"),
            ("Patient/{id}", "Patient/7"),
            (r#"{"id":"{id}"}"#, r#"{"id":"7"}"#),
            (r#"{"a":{}}"#, r#"{"a":{}}"#),
        ] {
            assert_eq!(variables.fill(text).unwrap(), filled);
        }
        assert!(variables.fill("{gone}").unwrap_err().to_string().contains("gone"));
    }

    #[test]
    fn a_value_is_not_shown() {
        let mut variables = Variables::default();
        variables.set("secret", "hush");
        assert_eq!(format!("{variables:?}"), r#"{"secret"}"#);
    }
}
