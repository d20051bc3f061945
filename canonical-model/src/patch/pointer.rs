//! JSON Pointer. <https://www.rfc-editor.org/rfc/rfc6901>

use crate::json::Value;

/// A pointer's parts, unescaped.
pub(super) type Parts = Vec<String>;

/// Reads a pointer: empty, or parts that each begin with `/`.
pub(super) fn read(text: &str) -> Option<Parts> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    text.strip_prefix('/')?.split('/').map(unescape).collect()
}

fn unescape(part: &str) -> Option<String> {
    let mut out = String::with_capacity(part.len());
    let mut letters = part.chars();
    while let Some(letter) = letters.next() {
        out.push(match letter {
            '~' => match letters.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            },
            other => other,
        });
    }
    Some(out)
}

/// An array's index: digits without a leading zero.
pub(super) fn index(part: &str) -> Option<usize> {
    let legal = part == "0" || !part.starts_with('0');
    let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    (legal && digits).then(|| part.parse().ok())?
}

/// What the parts lead to.
pub(super) fn find<'a>(mut value: &'a Value, parts: &[String]) -> Option<&'a Value> {
    for part in parts {
        value = match value {
            Value::Object(object) => object.get(part)?,
            Value::Array(items) => items.get(index(part)?)?,
            _ => return None,
        };
    }
    Some(value)
}

/// What the parts lead to, to change.
pub(super) fn find_mut<'a>(mut value: &'a mut Value, parts: &[String]) -> Option<&'a mut Value> {
    for part in parts {
        value = match value {
            Value::Object(object) => object.get_mut(part)?,
            Value::Array(items) => items.get_mut(index(part)?)?,
            _ => return None,
        };
    }
    Some(value)
}
