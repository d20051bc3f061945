//! Query strings as pairs, and back: `application/x-www-form-urlencoded`.

use canonical_model::{Error, Result};

use super::refusal::place;
use crate::limits::{PARAMS_MAX, QUERY_BYTES_MAX};

/// A parameter's name, with its modifier, and its value; decoded.
pub type Pair = (String, String);

/// Splits and decodes a query string.
///
/// # Errors
/// Invalid where it is too long, has too many parameters, or is not UTF-8 when decoded.
pub fn parse_pairs(query: &str) -> Result<Vec<Pair>> {
    if query.len() > QUERY_BYTES_MAX {
        let (name, value) = parameter(part_at(query, QUERY_BYTES_MAX));
        let text = format!(
            "The query is longer than 64 kB: it is so within this parameter, whose value has {} \
             bytes. Use fewer values.",
            value.len()
        );
        return Err(Error::invalid(text).at(&place(name)));
    }
    let parts: Vec<&str> = query.split('&').filter(|part| !part.is_empty()).collect();
    if let Some(part) = parts.get(PARAMS_MAX) {
        let text = "The query has more than 100 parameters: this is the first of them.";
        return Err(Error::invalid(text).at(&place(parameter(part).0)));
    }
    parts
        .into_iter()
        .map(|part| {
            let (name, value) = parameter(part);
            let told = |of: &str, fault: Fault| {
                let text = format!("{} (at character {} of its {of})", fault.text, fault.character);
                Error::invalid(text).at(&place(name))
            };
            let decoded = decode(name).map_err(|fault| told("name", fault))?;
            Ok((decoded, decode(value).map_err(|fault| told("value", fault))?))
        })
        .collect()
}

fn parameter(part: &str) -> (&str, &str) {
    part.split_once('=').unwrap_or((part, ""))
}

/// The parameter that a byte of the query is in.
fn part_at(query: &str, at: usize) -> &str {
    let mut end = 0;
    let part = query.split('&').find(|part| {
        end += part.len() + 1;
        end > at
    });
    part.unwrap_or_default()
}

/// What is wrong in a name or a value, and at which of its characters, from 1, as they are decoded.
struct Fault {
    text: &'static str,
    character: usize,
}

impl Fault {
    fn behind(before: &[u8], text: &'static str) -> Self {
        Self { text, character: String::from_utf8_lossy(before).chars().count() + 1 }
    }
}

fn decode(text: &str) -> Result<String, Fault> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let decoded = match byte {
            b'+' => Some(b' '),
            b'%' => {
                let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
                let code = digit(bytes.next()).zip(digit(bytes.next()));
                code.and_then(|(high, low)| u8::try_from(high * 16 + low).ok())
            }
            plain => Some(plain),
        };
        let half = || Fault::behind(&out, "The query has a `%` without two hex digits.");
        let decoded = decoded.ok_or_else(half)?;
        out.push(decoded);
    }
    let text = String::from_utf8(out).map_err(|fault| {
        let before = fault.as_bytes().get(..fault.utf8_error().valid_up_to());
        Fault::behind(before.unwrap_or_default(), "The query is not UTF-8 when decoded.")
    })?;
    match text.split_once('\0') {
        Some((before, _)) => {
            Err(Fault::behind(before.as_bytes(), "The query holds the character NUL."))
        }
        None => Ok(text),
    }
}

/// Writes pairs as a query string.
#[must_use]
pub fn write_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = String::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        encode(name, &mut out);
        out.push('=');
        encode(value, &mut out);
    }
    out
}

fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z'
            | b'a'..=b'z'
            | b'0'..=b'9'
            | b'-'
            | b'.'
            | b'_'
            | b'~'
            | b':'
            | b','
            | b'/'
            | b'$' => {
                out.push(char::from(byte));
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips() {
        let pairs = parse_pairs("name=M%C3%BCller+a&code=http://x%7C1&&_flag").expect("legal");
        let expected = [("name", "Müller a"), ("code", "http://x|1"), ("_flag", "")];
        assert_eq!(pairs, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
        let text = write_pairs(expected);
        assert_eq!(parse_pairs(&text).expect("own text"), pairs);
    }

    #[test]
    fn refuses() {
        for bad in ["a=%", "a=%4", "a=%zz", "a=%ff", "a=%00"] {
            assert!(parse_pairs(bad).is_err(), "{bad}");
        }
        assert!(parse_pairs(&"a=1&".repeat(101)).is_err());
        assert!(parse_pairs(&"a".repeat(70_000)).is_err());
    }
}
