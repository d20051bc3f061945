//! The formats of primitive values. <https://hl7.org/fhir/R4/datatypes.html#primitive>

use canonical_model::date::{PartialDateTime, Precision};
use canonical_model::json::Number;
use canonical_model::{IssueCode, ResourceId, Value};

use super::xhtml;
use crate::index::Primitive;
use crate::limits::STRING_CHARS_MAX;

/// What is wrong, and how to put it right.
pub(super) type Fault = (IssueCode, &'static str);

/// Checks one value that is not null.
pub(super) fn check(primitive: Primitive, value: &Value) -> Result<(), Fault> {
    match (json_kind(primitive), value) {
        (Kind::Boolean, Value::Bool(_)) => Ok(()),
        (Kind::Number, Value::Number(number)) => {
            verdict(number_fits(primitive, number), format_of(primitive))
        }
        (Kind::String, Value::String(text)) => check_text(primitive, text),
        (Kind::Boolean, _) => Err((IssueCode::Structure, "Write true or false, without quotes.")),
        (Kind::Number, _) => Err((IssueCode::Structure, "Write a JSON number, without quotes.")),
        (Kind::String, _) => Err((IssueCode::Structure, "Write a JSON string, in quotes.")),
    }
}

enum Kind {
    Boolean,
    Number,
    String,
}

fn json_kind(primitive: Primitive) -> Kind {
    match primitive {
        Primitive::Boolean => Kind::Boolean,
        Primitive::Decimal
        | Primitive::Integer
        | Primitive::PositiveInt
        | Primitive::UnsignedInt => Kind::Number,
        _ => Kind::String,
    }
}

fn check_text(primitive: Primitive, text: &str) -> Result<(), Fault> {
    if text.is_empty() {
        return Err((IssueCode::Value, "A value is never empty: leave the element out."));
    }
    if primitive == Primitive::Xhtml {
        return xhtml::check(text);
    }
    verdict(text_fits(primitive, text), format_of(primitive))
}

fn verdict(fits: bool, format: &'static str) -> Result<(), Fault> {
    if fits { Ok(()) } else { Err((IssueCode::Value, format)) }
}

fn number_fits(primitive: Primitive, number: &Number) -> bool {
    let least = match primitive {
        Primitive::Decimal => return true,
        Primitive::PositiveInt => 1,
        Primitive::UnsignedInt => 0,
        _ => i64::from(i32::MIN),
    };
    let fits = |value| (least..=i64::from(i32::MAX)).contains(&value);
    number.to_i64().is_some_and(fits) && number.as_str() != "-0"
}

fn text_fits(primitive: Primitive, text: &str) -> bool {
    match primitive {
        Primitive::String | Primitive::Markdown => is_string(text),
        Primitive::Code => is_code(text),
        Primitive::Id => ResourceId::is_legal(text),
        Primitive::Uri | Primitive::Url | Primitive::Canonical => is_uri(text),
        Primitive::Oid => text.strip_prefix("urn:oid:").is_some_and(is_oid),
        Primitive::Uuid => text.strip_prefix("urn:uuid:").is_some_and(is_uuid),
        Primitive::Date => date(text).is_some_and(|(precision, _)| precision <= Precision::Day),
        Primitive::DateTime => date(text).is_some_and(|(precision, zoned)| {
            precision <= Precision::Day || (precision >= Precision::Second && zoned)
        }),
        Primitive::Instant => {
            date(text).is_some_and(|(precision, zoned)| precision >= Precision::Second && zoned)
        }
        Primitive::Time => is_time(text.as_bytes()),
        Primitive::Base64Binary => is_base64(text),
        _ => true,
    }
}

fn format_of(primitive: Primitive) -> &'static str {
    match primitive {
        Primitive::String | Primitive::Markdown => {
            "A string has a visible character, no control characters but tab and line ends, and at most 1048576 characters."
        }
        Primitive::Code => {
            "A code has no white space at its ends, only single spaces inside, and no control characters."
        }
        Primitive::Id => "An id has 1 to 64 characters of A-Z a-z 0-9 . -",
        Primitive::Uri | Primitive::Url | Primitive::Canonical => "A URI has no white space.",
        Primitive::Oid => "An OID is written urn:oid: and numbers with points, as urn:oid:1.2.3",
        Primitive::Uuid => {
            "A UUID is written urn:uuid: and 8-4-4-4-12 lower-case hexadecimal digits."
        }
        Primitive::Date => "A date is YYYY, YYYY-MM or YYYY-MM-DD, and a day of the calendar.",
        Primitive::DateTime => {
            "A dateTime is YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with Z or an offset as +01:00."
        }
        Primitive::Instant => "An instant is YYYY-MM-DDThh:mm:ss with Z or an offset as +01:00.",
        Primitive::Time => "A time is hh:mm:ss, 00:00:00 to 23:59:60, without a zone.",
        Primitive::Base64Binary => "Encode the content in base64, with padding.",
        Primitive::Integer => "An integer is a whole number from -2147483648 to 2147483647.",
        Primitive::PositiveInt => "A positiveInt is a whole number from 1 to 2147483647.",
        Primitive::UnsignedInt => "An unsignedInt is a whole number from 0 to 2147483647.",
        Primitive::Boolean => "Write true or false.",
        Primitive::Decimal => "Write a decimal number.",
        Primitive::Xhtml => "Write a <div> of XHTML.",
    }
}

fn is_string(text: &str) -> bool {
    let control = |b: u8| b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r');
    let short = text.len() <= STRING_CHARS_MAX || text.chars().count() <= STRING_CHARS_MAX;
    short && !text.bytes().any(control) && !text.trim_start().is_empty()
}

fn is_code(text: &str) -> bool {
    let control = |c: char| c.is_control() && !c.is_whitespace();
    let words = text.split(char::is_whitespace).all(|word| !word.is_empty());
    !text.is_empty() && words && !text.contains(control)
}

/// A URI reference, relative ones too.
pub(super) fn is_uri(text: &str) -> bool {
    let refused = |b: u8| b <= b' ' || b == 0x7f;
    !text.bytes().any(refused) && (text.is_ascii() || !text.contains(char::is_whitespace))
}

/// `1.2.840.113619`: begins with 0, 1 or 2, no number with a leading zero.
pub(super) fn is_oid(text: &str) -> bool {
    let number = |part: &str| {
        let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        digits && (part == "0" || !part.starts_with('0'))
    };
    let Some((root, rest)) = text.split_once('.') else { return false };
    matches!(root, "0" | "1" | "2") && rest.split('.').all(number)
}

/// `c757873d-ec9a-4326-a141-556f43239520`.
pub(crate) fn is_uuid(text: &str) -> bool {
    let fits = |(n, byte): (usize, u8)| match n {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    };
    text.len() == 36 && text.bytes().enumerate().all(fits)
}

fn date(text: &str) -> Option<(Precision, bool)> {
    let date = PartialDateTime::parse(text).ok()?;
    Some((date.precision(), date.has_zone()))
}

fn is_time(text: &[u8]) -> bool {
    let Some((clock, fraction)) = text.split_at_checked(8) else { return false };
    let &[h1, h2, b':', m1, m2, b':', s1, s2] = clock else { return false };
    let two = |a: u8, b: u8, max: u8| {
        a.is_ascii_digit() && b.is_ascii_digit() && (a - b'0') * 10 + (b - b'0') <= max
    };
    let fraction_fits = match fraction {
        [] => true,
        [b'.', digits @ ..] => !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    two(h1, h2, 23) && two(m1, m2, 59) && two(s1, s2, 60) && fraction_fits
}

/// White space may stand anywhere, as in MIME.
fn is_base64(text: &str) -> bool {
    let (mut letters, mut padding) = (0_usize, 0_usize);
    for byte in text.bytes() {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b'=' => padding += 1,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' if padding == 0 => letters += 1,
            _ => return false,
        }
    }
    letters > 0 && padding <= 2 && (letters + padding).is_multiple_of(4)
}
