//! Looks into JSON without changing it: members in question are borrowed as they are written.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The members by which a document is told: a resource, or a Bundle of some type.
#[derive(Debug, Deserialize)]
pub(crate) struct Head<'a> {
    #[serde(borrow, rename = "resourceType")]
    pub(crate) kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) id: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "type")]
    pub(crate) bundle_type: Option<&'a RawValue>,
}

/// What is wrong with a text.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) message: String,
    /// Line and column in the text, from 1, where it is not JSON.
    pub(crate) place: Option<(u64, u64)>,
}

impl From<&str> for Wrong {
    fn from(message: &str) -> Self {
        Self { message: message.to_owned(), place: None }
    }
}

impl Wrong {
    /// What the reader says, with its place apart.
    fn of(what: &str, error: &serde_json::Error) -> Self {
        let said = error.to_string();
        let why = said.rsplit_once(" at line ").map_or(said.as_str(), |(why, _)| why);
        let place = (error.line() > 0).then(|| (error.line() as u64, error.column() as u64));
        Self { message: format!("{what}: {why}."), place }
    }
}

impl<'a> Head<'a> {
    /// Reads a whole JSON text.
    ///
    /// # Errors
    /// It is no JSON, or cannot be a resource.
    pub(crate) fn of(text: &'a str) -> Result<Self, Wrong> {
        let head: Self =
            serde_json::from_str(text).map_err(|e| Wrong::of("This is no JSON", &e))?;
        match head.kind.as_deref() {
            None => return Err("There is no resourceType.".into()),
            Some(kind) if kind.is_empty() || !kind.bytes().all(|b| b.is_ascii_alphanumeric()) => {
                return Err("resourceType is not the name of a type.".into());
            }
            Some(_) => {}
        }
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        match head.id.as_deref() {
            Some(id) if !(1..=64).contains(&id.len()) || !id.bytes().all(legal) => {
                Err("An id has 1 to 64 characters of A-Z a-z 0-9 . -.".into())
            }
            _ => Ok(head),
        }
    }

    /// The type of a Bundle.
    pub(crate) fn bundle_type(&self) -> Option<&str> {
        self.bundle_type.and_then(|raw| serde_json::from_str(raw.get()).ok())
    }
}

/// The entries of a Bundle, and where to read on.
#[derive(Debug, Deserialize)]
pub(crate) struct Bundle<'a> {
    #[serde(borrow, default)]
    pub(crate) entry: Vec<Entry<'a>>,
    #[serde(borrow, default)]
    pub(crate) link: Vec<Link<'a>>,
}

impl<'a> Bundle<'a> {
    /// Reads a whole JSON text.
    ///
    /// # Errors
    /// Its entries or links are none.
    pub(crate) fn of(text: &'a str) -> Result<Self, Wrong> {
        serde_json::from_str(text).map_err(|e| Wrong::of("This is no Bundle", &e))
    }
}

/// A link of a Bundle.
#[derive(Debug, Deserialize)]
pub(crate) struct Link<'a> {
    #[serde(borrow)]
    pub(crate) relation: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) url: Cow<'a, str>,
}

/// An entry of a Bundle: of a request, a page or an answer.
#[derive(Debug, Deserialize)]
pub(crate) struct Entry<'a> {
    #[serde(borrow, rename = "fullUrl")]
    pub(crate) full_url: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) resource: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) search: Option<Search<'a>>,
    #[serde(borrow)]
    pub(crate) response: Option<Response<'a>>,
}

/// Why an entry is on a page.
#[derive(Debug, Deserialize)]
pub(crate) struct Search<'a> {
    #[serde(borrow)]
    pub(crate) mode: Option<Cow<'a, str>>,
}

/// What became of an entry.
#[derive(Debug, Deserialize)]
pub(crate) struct Response<'a> {
    #[serde(borrow)]
    pub(crate) status: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) outcome: Option<&'a RawValue>,
}

/// Appends JSON on one line: white space between tokens goes, everything else stays.
pub(crate) fn push_line(text: &str, out: &mut Vec<u8>) {
    let (mut in_string, mut escaped) = (false, false);
    for &byte in text.as_bytes() {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' if !in_string => continue,
            b'"' if !escaped => in_string = !in_string,
            _ => {}
        }
        escaped = in_string && byte == b'\\' && !escaped;
        out.push(byte);
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads() {
        for (text, expected) in [
            (r#"{"resourceType":"Patient","id":"a-1","type":[{}]}"#, Ok(("Patient", Some("a-1")))),
            (r#"{"id":"x"}"#, Err("There is no resourceType.")),
            (r#"{"resourceType":"Pa/th"}"#, Err("resourceType is not the name of a type.")),
            (
                r#"{"resourceType":"Patient","id":"../x"}"#,
                Err("An id has 1 to 64 characters of A-Z a-z 0-9 . -."),
            ),
        ] {
            let head = Head::of(text);
            let found = head
                .as_ref()
                .map(|head| (head.kind.as_deref().unwrap(), head.id.as_deref()))
                .map_err(|wrong| wrong.message.as_str());
            assert_eq!(found, expected, "{text}");
        }
        let wrong = Head::of("{\n \"a\": x}").unwrap_err();
        assert_eq!(
            (wrong.message.as_str(), wrong.place),
            ("This is no JSON: expected value.", Some((2, 7)))
        );
        assert!(Head::of("[1]").is_err());
        let bundle = Head::of(r#"{"resourceType":"Bundle","type":"batch"}"#).unwrap();
        assert_eq!(bundle.bundle_type(), Some("batch"));
    }

    #[test]
    fn lines_keep_numbers_and_strings() {
        let mut out = Vec::new();
        push_line(
            "{ \"a\" : [ 1.50 ,\n 1e2 ], \"b c\": \" \\\" x \\\\\" , \"d\":\t\"é\" }",
            &mut out,
        );
        let expected = "{\"a\":[1.50,1e2],\"b c\":\" \\\" x \\\\\",\"d\":\"é\"}\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
