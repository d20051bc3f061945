//! Writes a value as text. What was read comes out the same but for white space.

use super::{Object, Value};

/// How the text is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// No white space.
    Compact,
    /// Two spaces a level, for people (`_pretty`).
    Pretty,
}

/// Appends the value's text.
pub fn write(value: &Value, layout: Layout, out: &mut String) {
    let level = match layout {
        Layout::Compact => None,
        Layout::Pretty => Some(0),
    };
    put(value, level, out);
}

fn put(value: &Value, level: Option<usize>, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => out.push_str(number.as_str()),
        Value::String(text) => write_string(text, out),
        Value::Array(items) => put_array(items, level, out),
        Value::Object(object) => put_object(object, level, out),
    }
}

/// Appends the text of an object with these members, all members by their names and without white space: the same
/// for the same content, however it was ordered.
pub fn write_ordered(mut members: Vec<(&str, &Value)>, out: &mut String) {
    members.sort_unstable_by_key(|(name, _)| *name);
    out.push('{');
    for (n, (name, value)) in members.into_iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        write_string(name, out);
        out.push(':');
        put_ordered(value, out);
    }
    out.push('}');
}

fn put_ordered(value: &Value, out: &mut String) {
    match value {
        Value::Object(object) => write_ordered(object.iter().collect(), out),
        Value::Array(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                put_ordered(item, out);
            }
            out.push(']');
        }
        single => put(single, None, out),
    }
}

fn put_array(items: &[Value], level: Option<usize>, out: &mut String) {
    out.push('[');
    let inner = level.map(|n| n + 1);
    for (n, item) in items.iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        new_line(inner, out);
        put(item, inner, out);
    }
    if !items.is_empty() {
        new_line(level, out);
    }
    out.push(']');
}

fn put_object(object: &Object, level: Option<usize>, out: &mut String) {
    out.push('{');
    let inner = level.map(|n| n + 1);
    for (n, (key, value)) in object.iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        new_line(inner, out);
        write_string(key, out);
        out.push_str(if inner.is_some() { ": " } else { ":" });
        put(value, inner, out);
    }
    if !object.is_empty() {
        new_line(level, out);
    }
    out.push('}');
}

fn new_line(level: Option<usize>, out: &mut String) {
    if let Some(level) = level {
        out.push('\n');
        for _ in 0..level {
            out.push_str("  ");
        }
    }
}

/// Appends a quoted string with the escapes JSON demands and no others.
#[expect(clippy::string_slice, reason = "cuts fall on ASCII bytes, so on character boundaries")]
pub fn write_string(text: &str, out: &mut String) {
    out.push('"');
    let mut clean = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[clean..at]);
        clean = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            other => out.push_str(&format!("\\u{other:04x}")),
        }
    }
    out.push_str(&text[clean..]);
    out.push('"');
}
