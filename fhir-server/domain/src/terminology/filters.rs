//! Filters of a value set's include. <https://hl7.org/fhir/R4/valueset.html#compositions>

use std::collections::{BTreeSet, HashSet};

use canonical_model::{Error, IssueCode, Result, Value};

use super::concepts::{Concepts, text};
use super::definitions::shown;

/// The codes that pass one filter.
///
/// # Errors
/// Unprocessable for a filter that is not offered, or that speaks of what the code system does not have.
pub(super) fn passing<'c>(concepts: &'c Concepts, filter: &Value) -> Result<BTreeSet<&'c str>> {
    let part = |name: &str| text(filter, name).unwrap_or_default().to_owned();
    let (property, op, value) = (part("property"), part("op"), part("value"));
    let listed: HashSet<&str> = value.split(',').map(str::trim).collect();
    if matches!(property.as_str(), "concept" | "code") {
        return match op.as_str() {
            "is-a" => Ok(concepts.below(&value, usize::MAX)?.into_iter().collect()),
            "descendent-of" => Ok(concepts
                .below(&value, usize::MAX)?
                .into_iter()
                .filter(|code| *code != value)
                .collect()),
            "is-not-a" => {
                let below: BTreeSet<&str> =
                    concepts.below(&value, usize::MAX)?.into_iter().collect();
                Ok(concepts.all().filter(|code| !below.contains(code)).collect())
            }
            "generalizes" => Ok(concepts.above(&value, usize::MAX)?.into_iter().collect()),
            "=" => Ok(concepts.all().filter(|code| *code == value).collect()),
            "in" => Ok(concepts.all().filter(|code| listed.contains(code)).collect()),
            "not-in" => Ok(concepts.all().filter(|code| !listed.contains(code)).collect()),
            _ => Err(unsupported(&property, &op)),
        };
    }
    let holds = |values: &[&str]| match op.as_str() {
        "=" => Some(values.contains(&value.as_str())),
        "in" => Some(values.iter().any(|value| listed.contains(value))),
        "not-in" => Some(!values.iter().any(|value| listed.contains(value))),
        "exists" if matches!(value.as_str(), "true" | "false") => {
            Some(values.is_empty() == (value == "false"))
        }
        _ => None,
    };
    let mut codes = BTreeSet::new();
    for (code, values) in concepts.property(&property)? {
        if holds(&values).ok_or_else(|| unsupported(&property, &op))? {
            codes.insert(code);
        }
    }
    Ok(codes)
}

fn unsupported(property: &str, op: &str) -> Error {
    let text = format!(
        "a value set with the filter {} {} cannot be expanded here",
        shown(property),
        shown(op)
    );
    Error::unprocessable(text).code(IssueCode::NotSupported)
}
