//! JSON Patch. <https://www.rfc-editor.org/rfc/rfc6902>

use super::pointer::{self, Parts};
use super::{fits, inapplicable, measure, same_type};
use crate::fhirpath::same;
use crate::json::Value;
use crate::limits::{JSON_MEMBERS_MAX, PATCH_COPY_BYTES_MAX, PATCH_OPERATIONS_MAX};
use crate::{Error, Kind, Result};

/// Applies a JSON Patch document to a copy of the target.
///
/// # Errors
/// 400 where the patch is no such document, 413 where it has too many operations or copies too
/// much, 422 where an operation cannot be applied or a `test` fails. Each names the operation.
pub fn json_patch(target: &Value, patch: &Value) -> Result<Value> {
    let Some(operations) = patch.as_array() else {
        return Err(Error::invalid("A JSON Patch is an array of operations"));
    };
    if operations.len() > PATCH_OPERATIONS_MAX {
        return Err(Error::new(Kind::TooLarge, "A patch has at most 1000 operations"));
    }
    let mut outcome = target.clone();
    let mut copied = 0;
    for (n, operation) in operations.iter().enumerate() {
        let operation = Operation { json: operation };
        operation.apply(&mut outcome, &mut copied).map_err(|error| operation.name(n, error))?;
    }
    same_type(target, outcome)
}

struct Operation<'a> {
    json: &'a Value,
}

impl<'a> Operation<'a> {
    fn apply(&self, outcome: &mut Value, copied: &mut usize) -> Result<()> {
        let path = self.pointer("path")?;
        match self.text("op")? {
            "add" => add(outcome, &path, self.value()?.clone()),
            "remove" => remove(outcome, &path).map(drop),
            "replace" => replace(outcome, &path, self.value()?.clone()),
            "move" => {
                let from = self.pointer("from")?;
                if path.len() > from.len() && path.starts_with(&from) {
                    return Err(inapplicable("a value cannot be moved into itself"));
                }
                let value = remove(outcome, &from)?;
                add(outcome, &path, value)
            }
            "copy" => {
                let from = self.pointer("from")?;
                let value = pointer::find(outcome, &from).ok_or_else(absent)?;
                *copied += measure(value).1;
                if *copied > PATCH_COPY_BYTES_MAX {
                    return Err(Error::new(Kind::TooLarge, "a patch copies at most 16 MiB"));
                }
                let value = value.clone();
                add(outcome, &path, value)
            }
            "test" => {
                let found = pointer::find(outcome, &path).ok_or_else(absent)?;
                if same(found, self.value()?) {
                    Ok(())
                } else {
                    Err(inapplicable("the value is another than the test expects"))
                }
            }
            _ => Err(Error::invalid("`op` is add, remove, replace, move, copy or test")),
        }
    }

    fn text(&self, name: &str) -> Result<&'a str> {
        let text = self.json.get(name).and_then(Value::as_str);
        text.ok_or_else(|| Error::invalid(format!("`{name}` is missing or no text")))
    }

    fn pointer(&self, name: &str) -> Result<Parts> {
        let fault =
            || Error::invalid(format!("`{name}` is no JSON Pointer, such as `/name/0/use`"));
        pointer::read(self.text(name)?).ok_or_else(fault)
    }

    fn value(&self) -> Result<&'a Value> {
        self.json.get("value").ok_or_else(|| Error::invalid("`value` is missing"))
    }

    /// Puts the operation's number and its pointer before what went wrong. The pointer is the
    /// caller's text: shown only as far as it looks like names of elements.
    fn name(&self, n: usize, mut error: Error) -> Error {
        let path = self.json.get("path").and_then(Value::as_str).unwrap_or_default();
        let tame = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'-' | b'~');
        let shown = if path.len() <= 128 && path.bytes().all(tame) { path } else { "…" };
        for issue in &mut error.issues {
            issue.diagnostics =
                format!("JSON Patch, operation {n} at `{shown}`: {}", issue.diagnostics);
        }
        error
    }
}

fn absent() -> Error {
    inapplicable("there is no such value")
}

/// The value that holds what the pointer names, and the pointer's last part.
fn holder<'a, 'p>(root: &'a mut Value, path: &'p [String]) -> Result<(&'a mut Value, &'p str)> {
    let whole = || inapplicable("the resource as a whole cannot be removed");
    let (last, parents) = path.split_last().ok_or_else(whole)?;
    Ok((pointer::find_mut(root, parents).ok_or_else(absent)?, last))
}

fn add(root: &mut Value, path: &[String], value: Value) -> Result<()> {
    fits(path.len(), &value)?;
    if path.is_empty() {
        *root = value;
        return Ok(());
    }
    match holder(root, path)? {
        (Value::Object(object), key) => {
            object.set(key, value);
            if object.len() > JSON_MEMBERS_MAX {
                return Err(inapplicable("more than 1000 members in one object"));
            }
            Ok(())
        }
        (Value::Array(items), part) => {
            let at = if part == "-" { Some(items.len()) } else { pointer::index(part) };
            match at.filter(|at| *at <= items.len()) {
                Some(at) => items.insert(at, value),
                None => return Err(inapplicable("no such place in the array")),
            }
            Ok(())
        }
        _ => Err(absent()),
    }
}

fn remove(root: &mut Value, path: &[String]) -> Result<Value> {
    match holder(root, path)? {
        (Value::Object(object), key) => object.remove(key).ok_or_else(absent),
        (Value::Array(items), part) => match pointer::index(part).filter(|at| *at < items.len()) {
            Some(at) => Ok(items.remove(at)),
            None => Err(absent()),
        },
        _ => Err(absent()),
    }
}

fn replace(root: &mut Value, path: &[String], value: Value) -> Result<()> {
    fits(path.len(), &value)?;
    *pointer::find_mut(root, path).ok_or_else(absent)? = value;
    Ok(())
}
