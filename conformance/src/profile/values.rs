//! Fixed values and patterns. <https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.pattern_x_>

use canonical_model::Value;

/// Whether a value has everything that a pattern has: each member of an object, each item of a list
/// in some item.
pub(super) fn has(value: &Value, pattern: &Value) -> bool {
    match (value, pattern) {
        (Value::Object(object), Value::Object(pattern)) => pattern
            .iter()
            .all(|(name, wanted)| object.get(name).is_some_and(|value| has(value, wanted))),
        (Value::Array(items), Value::Array(wanted)) => {
            wanted.iter().all(|wanted| items.iter().any(|item| has(item, wanted)))
        }
        (Value::Number(a), Value::Number(b)) => {
            canonical_model::decimal::compare(a.as_str(), b.as_str()).is_eq()
        }
        _ => value == pattern,
    }
}

/// A definition's own value, where it is short enough to be told.
pub(super) fn shown(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.to_string(),
        other => other.to_text(),
    };
    (text.len() <= 200).then_some(text)
}
