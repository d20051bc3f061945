//! Changes to parts of a resource: JSON Patch and FHIRPath Patch.
//! <https://hl7.org/fhir/R4/http.html#patch>
//!
//! Both work on a copy: a patch is applied whole or not at all. Neither can change what type of
//! resource it is; whether the outcome is valid is for the validator to say.

mod build;
mod fhirpath;
mod json;
mod lists;
mod pointer;
mod spot;

pub use fhirpath::fhirpath_patch;
pub use json::json_patch;

use crate::json::Value;
use crate::limits::JSON_DEPTH_MAX;
use crate::{Error, IssueCode, Result};

/// 422 for an operation that cannot be applied to this resource.
fn inapplicable(what: impl Into<String>) -> Error {
    Error::unprocessable(what).code(IssueCode::Processing)
}

/// Refuses an outcome of another type than the target.
fn same_type(target: &Value, outcome: Value) -> Result<Value> {
    if target.get("resourceType") == outcome.get("resourceType") {
        Ok(outcome)
    } else {
        Err(inapplicable("A patch cannot change resourceType").at("resourceType"))
    }
}

/// Levels of nesting and bytes of text.
fn measure(value: &Value) -> (usize, usize) {
    let join = |(depth, bytes): (usize, usize), (d, b): (usize, usize)| (depth.max(d), bytes + b);
    match value {
        Value::Null | Value::Bool(_) => (0, 5),
        Value::Number(number) => (0, number.as_str().len()),
        Value::String(text) => (0, text.len() + 2),
        Value::Array(items) => {
            let (depth, bytes) = items.iter().map(measure).fold((0, 2), join);
            (depth + 1, bytes + items.len())
        }
        Value::Object(object) => {
            let member = |(key, value): (&str, &Value)| {
                let (depth, bytes) = measure(value);
                (depth, bytes + key.len() + 4)
            };
            let (depth, bytes) = object.iter().map(member).fold((0, 2), join);
            (depth + 1, bytes)
        }
    }
}

/// Refuses a value that, this far down, would be nested deeper than the reader lets pass.
fn fits(level: usize, value: &Value) -> Result<()> {
    if level + measure(value).0 > JSON_DEPTH_MAX {
        return Err(inapplicable("The result would be nested deeper than 64 levels"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
