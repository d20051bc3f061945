//! A bundle written as text: resources go in as they are stored, without being read.

use canonical_model::json::write_string;
use canonical_model::{Error, Issue, Resource, Result};
use store::{Method, Stored};

use crate::conditions::{etag, http_date};
use crate::format::Format;
use crate::outcome::outcome;
use crate::projection::{project, subsetted};

/// A bundle being written.
pub(crate) struct BundleText {
    text: String,
    links: bool,
    entries: bool,
}

impl BundleText {
    pub(crate) fn new(kind: &str, total: Option<i64>) -> Self {
        let mut text = String::with_capacity(4096);
        text.push_str(r#"{"resourceType":"Bundle","type":"#);
        write_string(kind, &mut text);
        if let Some(total) = total {
            text.push_str(&format!(r#","total":{total}"#));
        }
        Self { text, links: false, entries: false }
    }

    /// Adds a link. All links come before the first entry.
    pub(crate) fn link(&mut self, relation: &str, url: &str) {
        self.text.push_str(if self.links { "," } else { r#","link":["# });
        self.links = true;
        self.text.push_str(r#"{"relation":"#);
        write_string(relation, &mut self.text);
        self.text.push_str(r#","url":"#);
        write_string(url, &mut self.text);
        self.text.push('}');
    }

    /// Makes room for so many bytes of entries.
    pub(crate) fn reserve(&mut self, bytes: usize) {
        self.text.reserve(bytes);
    }

    /// Adds an entry, of the members that are written into it.
    pub(crate) fn entry(&mut self, write: impl FnOnce(&mut String) -> Result<()>) -> Result<()> {
        let before = match (self.entries, self.links) {
            (true, _) => ",{",
            (false, true) => r#"],"entry":[{"#,
            (false, false) => r#","entry":[{"#,
        };
        self.text.push_str(before);
        self.entries = true;
        write(&mut self.text)?;
        self.text.push('}');
        Ok(())
    }

    pub(crate) fn finish(mut self) -> String {
        if self.entries || self.links {
            self.text.push(']');
        }
        self.text.push('}');
        self.text
    }
}

/// Begins a member of the object that is being written.
pub(crate) fn member<'a>(out: &'a mut String, name: &str) -> &'a mut String {
    if !out.ends_with('{') {
        out.push(',');
    }
    out.push('"');
    out.push_str(name);
    out.push_str("\":");
    out
}

fn text_member(out: &mut String, name: &str, value: &str) {
    write_string(value, member(out, name));
}

/// `fullUrl`. A base, a type and an id hold nothing that JSON escapes.
fn full_url(out: &mut String, base: &str, stored: &Stored) {
    let out = member(out, "fullUrl");
    for part in ["\"", base, "/", stored.kind.name(), "/", &stored.id, "\""] {
        out.push_str(part);
    }
}

/// A Binary whose content is kept beside it appears without, and says so; a read of it has all.
fn resource(out: &mut String, stored: &Stored, format: &Format) -> Result<()> {
    let Some(text) = &stored.text else { return Ok(()) };
    let out = member(out, "resource");
    if format.projects() {
        out.push_str(&project(Resource::parse(text)?, format).to_text());
    } else if stored.blob.is_some() {
        out.push_str(&subsetted(text)?);
    } else {
        out.push_str(std::str::from_utf8(text).map_err(Error::internal)?);
    }
    Ok(())
}

/// A resource of a search: a match, or included. It has no `search.score`: every criterion here holds or
/// does not, so no match is better than another.
pub(crate) fn match_entry(
    bundle: &mut BundleText,
    base: &str,
    stored: &Stored,
    format: &Format,
    mode: &str,
) -> Result<()> {
    bundle.entry(|entry| {
        full_url(entry, base, stored);
        resource(entry, stored, format)?;
        for part in [r#","search":{"mode":""#, mode, r#""}"#] {
            entry.push_str(part);
        }
        Ok(())
    })
}

/// A resource that is stored nowhere, made for this answer.
pub(crate) fn made_entry(
    bundle: &mut BundleText,
    base: &str,
    name: &str,
    text: &str,
) -> Result<()> {
    bundle.entry(|entry| {
        text_member(entry, "fullUrl", &format!("{base}/{name}"));
        member(entry, "resource").push_str(text);
        entry.push_str(r#","search":{"mode":"match"}"#);
        Ok(())
    })
}

/// What a search has to say of itself.
pub(crate) fn outcome_entry(bundle: &mut BundleText, issues: &[Issue]) -> Result<()> {
    bundle.entry(|entry| {
        member(entry, "resource").push_str(&outcome(issues).to_text());
        entry.push_str(r#","search":{"mode":"outcome"}"#);
        Ok(())
    })
}

/// A version of a history.
pub(crate) fn history_entry(
    bundle: &mut BundleText,
    base: &str,
    version: &Stored,
    format: &Format,
) -> Result<()> {
    let name = format!("{}/{}", version.kind, version.id);
    let (method, url, status) = match (version.method, version.version) {
        (Method::Delete, _) => ("DELETE", name.clone(), "204"),
        (Method::Create, _) => ("POST", version.kind.to_string(), "201"),
        (Method::Update, 1) => ("PUT", name.clone(), "201"),
        (Method::Update, _) => ("PUT", name.clone(), "200"),
    };
    let parts = Response {
        status,
        location: None,
        etag: Some(etag(version.version)),
        last_modified: Some(instant(version)),
        outcome: None,
    };
    bundle.entry(|entry| {
        full_url(entry, base, version);
        resource(entry, version, format)?;
        member(entry, "request").push_str(&format!(r#"{{"method":"{method}","url":"#));
        write_string(&url, entry);
        entry.push('}');
        response(entry, &parts);
        Ok(())
    })
}

/// `Bundle.entry.response`.
pub(crate) struct Response<'a> {
    pub(crate) status: &'a str,
    pub(crate) location: Option<&'a str>,
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
    pub(crate) outcome: Option<&'a str>,
}

pub(crate) fn response(out: &mut String, parts: &Response<'_>) {
    member(out, "response").push('{');
    text_member(out, "status", parts.status);
    let texts = [
        ("location", parts.location),
        ("etag", parts.etag.as_deref()),
        ("lastModified", parts.last_modified.as_deref()),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            text_member(out, name, text);
        }
    }
    if let Some(outcome) = parts.outcome {
        member(out, "outcome").push_str(outcome);
    }
    out.push('}');
}

/// The instant of a version, as in its `meta.lastUpdated`.
pub(crate) fn instant(version: &Stored) -> String {
    canonical_model::date::format_instant(version.last_updated.timestamp_millis())
}

/// `Last-Modified` of a version.
pub(crate) fn last_modified(version: &Stored) -> String {
    http_date(version.last_updated)
}
