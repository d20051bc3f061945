//! Conditional headers. <https://hl7.org/fhir/R4/http.html#concurrency>

use canonical_model::{Error, Result};
use chrono::{DateTime, SubsecRound, Utc};
use domain::Precondition;
use store::Stored;

use crate::interaction::Interaction;

/// The conditions of a request, from its headers or a bundle entry's members.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conditions {
    pub(crate) if_match: Option<String>,
    pub(crate) if_none_match: Option<String>,
    pub(crate) if_none_exist: Option<String>,
    pub(crate) if_modified_since: Option<DateTime<Utc>>,
}

impl Conditions {
    /// For a write.
    pub(crate) fn precondition(&self) -> Result<Precondition> {
        let (if_match, if_match_any) = match self.if_match.as_deref() {
            None => (None, false),
            Some("*") => (None, true),
            Some(tag) => (Some(expected(tag)?), false),
        };
        let if_none_match_any = match self.if_none_match.as_deref() {
            None => false,
            Some("*") => true,
            Some(_) => {
                let text = "If-None-Match on a write can only be `*`";
                return Err(Error::invalid(text).in_header("If-None-Match"));
            }
        };
        Ok(Precondition { if_match, if_match_any, if_none_match_any })
    }

    /// Refuses a condition that a write would be done without: a create has no version to match, and all else finds
    /// or makes what its URL says.
    pub(crate) fn expect_heeded(&self, interaction: &Interaction) -> Result<()> {
        let (unheeded, header, advice) = match interaction {
            Interaction::Create(_) => (
                &self.if_match,
                "If-Match",
                "A create has no version to match: leave this out, or use PUT.",
            ),
            Interaction::Update(..)
            | Interaction::ConditionalUpdate(_)
            | Interaction::Patch(..)
            | Interaction::ConditionalPatch(_)
            | Interaction::Delete(..)
            | Interaction::ConditionalDelete(_) => (
                &self.if_none_exist,
                "If-None-Exist",
                "This is for POST: here criteria stand in the URL.",
            ),
            _ => return Ok(()),
        };
        match unheeded {
            None => Ok(()),
            Some(_) => Err(Error::invalid(advice).in_header(header)),
        }
    }

    /// Whether a read may be answered by 304.
    pub(crate) fn are_of_reads(&self) -> bool {
        self.if_none_match.is_some() || self.if_modified_since.is_some()
    }

    /// For a read: whether what the client has is current. An ETag speaks before a date.
    pub(crate) fn unchanged(&self, current: &Stored) -> bool {
        if let Some(tags) = &self.if_none_match {
            let is_current = |tag: &str| tag == "*" || version_of(tag) == Some(current.version);
            return tags.split(',').any(|tag| is_current(tag.trim()));
        }
        // Last-Modified has whole seconds.
        self.if_modified_since.is_some_and(|since| current.last_updated.trunc_subsecs(0) <= since)
    }
}

/// `W/"3"` or `"3"` is version 3.
fn version_of(tag: &str) -> Option<i32> {
    let quoted = tag.strip_prefix("W/").unwrap_or(tag);
    quoted.strip_prefix('"')?.strip_suffix('"')?.parse().ok().filter(|version| *version > 0)
}

/// The version that `If-Match` names. A tag that is none of this server's names none that is.
fn expected(tag: &str) -> Result<i32> {
    let quoted = tag.strip_prefix("W/").unwrap_or(tag);
    let opaque = quoted.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
    if opaque.is_none_or(|opaque| opaque.contains('"')) {
        let text = "If-Match must be one ETag of this server, such as W/\"3\"";
        return Err(Error::invalid(text).in_header("If-Match"));
    }
    Ok(version_of(tag).unwrap_or(NO_VERSION))
}

/// Versions begin at 1.
const NO_VERSION: i32 = 0;

/// The ETag of a version.
pub(crate) fn etag(version: i32) -> String {
    format!("W/\"{version}\"")
}

/// An HTTP date. <https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7>
pub(crate) fn http_date(at: DateTime<Utc>) -> String {
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Reads an HTTP date or, in bundles, an instant.
pub(crate) fn parse_date(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(text)
        .or_else(|_| DateTime::parse_from_rfc3339(text))
        .ok()
        .map(|at| at.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_tags() {
        for (tag, expected) in [
            ("W/\"3\"", Some(3)),
            ("\"3\"", Some(3)),
            ("3", None),
            ("W/\"0\"", None),
            ("W/\"-1\"", None),
            ("W/\"x\"", None),
            ("W/\"99999999999\"", None),
        ] {
            assert_eq!(version_of(tag), expected, "{tag}");
        }
    }

    #[test]
    fn dates_round_trip() {
        let at = parse_date("Tue, 24 Nov 2026 10:00:01 GMT").expect("a date");
        assert_eq!(http_date(at), "Tue, 24 Nov 2026 10:00:01 GMT");
        assert_eq!(parse_date("2026-11-24T10:00:01Z"), Some(at));
    }
}
