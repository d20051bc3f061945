//! A Binary that is too large for a JSON body, as the bytes that it holds: servers take those as they come.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use reqwest::header::HeaderValue;
use serde::Deserialize;

use crate::limits::JSON_BYTES_MAX;

/// All that such a Binary may say: there is no place for more beside its bytes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain<'a> {
    #[serde(rename = "resourceType")]
    _kind: &'a str,
    #[serde(rename = "id")]
    _id: Option<&'a str>,
    /// What the server itself sets anew.
    #[serde(rename = "meta")]
    _meta: Option<Meta<'a>>,
    #[serde(rename = "contentType")]
    content_type: String,
    data: &'a str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Meta<'a> {
    #[serde(rename = "versionId")]
    _version: Option<&'a str>,
    #[serde(rename = "lastUpdated")]
    _at: Option<&'a str>,
}

/// The media type and the bytes, where a text is too large to be sent as it is and can be sent so.
pub(crate) fn raw(kind: &str, text: &str) -> Option<(HeaderValue, Bytes)> {
    if kind != "Binary" || text.len() <= JSON_BYTES_MAX {
        return None;
    }
    let plain: Plain<'_> = serde_json::from_str(text).ok()?;
    // One that no header can name, and one that a server would read as FHIR, go as they are.
    let media_type = HeaderValue::from_str(&plain.content_type).ok()?;
    let fhir = ["json", "xml"].iter().any(|form| plain.content_type.contains(form));
    let bytes = STANDARD.decode(plain.data).ok().filter(|_| !fhir)?;
    Some((media_type, bytes.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_loses_nothing_is_sent_as_bytes() {
        let data = "QUJD".repeat(JSON_BYTES_MAX / 4);
        let text = |more: &str| {
            format!(
                r#"{{"resourceType":"Binary","id":"a",{more}"contentType":"a/b","data":"{data}"}}"#
            )
        };
        let (media_type, bytes) = raw("Binary", &text("")).unwrap();
        assert_eq!((media_type.to_str().unwrap(), bytes.len()), ("a/b", data.len() / 4 * 3));
        let set = r#""meta":{"versionId":"1","lastUpdated":"2026-01-01T00:00:00Z"},"#;
        assert!(raw("Binary", &text(set)).is_some());
        for kept in
            [r#""meta":{"security":[]},"#, r#""securityContext":{"reference":"Patient/a"},"#]
        {
            assert!(raw("Binary", &text(kept)).is_none(), "{kept}");
        }
        for odd in ["a/b\\n", "application/json"] {
            assert!(raw("Binary", &text("").replace("a/b", odd)).is_none(), "{odd}");
        }
        assert!(raw("Media", &text("")).is_none());
        assert!(
            raw("Binary", r#"{"resourceType":"Binary","contentType":"a/b","data":"QUJD"}"#)
                .is_none()
        );
    }
}
