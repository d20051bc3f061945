//! Query strings as pairs, and back: `application/x-www-form-urlencoded`.

use canonical_model::{Error, Result};

use crate::limits::{PARAMS_MAX, QUERY_BYTES_MAX};

/// A parameter's name, with its modifier, and its value; decoded.
pub type Pair = (String, String);

/// Splits and decodes a query string.
///
/// # Errors
/// Invalid where it is too long, has too many parameters, or is not UTF-8 when decoded.
pub fn parse_pairs(query: &str) -> Result<Vec<Pair>> {
    if query.len() > QUERY_BYTES_MAX {
        return Err(Error::invalid("The query is longer than 64 kB. Use fewer values."));
    }
    let parts: Vec<&str> = query.split('&').filter(|part| !part.is_empty()).collect();
    if parts.len() > PARAMS_MAX {
        return Err(Error::invalid("The query has more than 100 parameters."));
    }
    parts
        .into_iter()
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            Ok((decode(name)?, decode(value)?))
        })
        .collect()
}

fn decode(text: &str) -> Result<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
                let code = digit(bytes.next()).zip(digit(bytes.next()));
                let value = code.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
                value
                    .ok_or_else(|| Error::invalid("The query has a `%` without two hex digits."))?
            }
            plain => plain,
        });
    }
    let text = String::from_utf8(out)
        .map_err(|_| Error::invalid("The query is not UTF-8 when decoded."))?;
    if text.contains('\0') {
        return Err(Error::invalid("The query holds the character NUL."));
    }
    Ok(text)
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
