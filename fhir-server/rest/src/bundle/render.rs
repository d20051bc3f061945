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

    /// Adds an entry of members that are written already, each with a comma before it.
    pub(crate) fn entry(&mut self, members: &str) {
        if self.entries {
            self.text.push(',');
        } else {
            if self.links {
                self.text.push(']');
            }
            self.text.push_str(r#","entry":["#);
        }
        self.entries = true;
        self.text.push('{');
        self.text.push_str(members.strip_prefix(',').unwrap_or(members));
        self.text.push('}');
    }

    pub(crate) fn finish(mut self) -> String {
        if self.entries || self.links {
            self.text.push(']');
        }
        self.text.push('}');
        self.text
    }
}

fn member(out: &mut String, name: &str, value: &str) {
    out.push_str(&format!(",\"{name}\":"));
    write_string(value, out);
}

/// A Binary whose content is kept beside it appears without, and says so; a read of it has all.
fn resource(out: &mut String, stored: &Stored, format: &Format) -> Result<()> {
    let Some(text) = &stored.text else { return Ok(()) };
    out.push_str(r#","resource":"#);
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
    let mut entry = String::with_capacity(2048);
    member(&mut entry, "fullUrl", &format!("{base}/{}/{}", stored.kind, stored.id));
    resource(&mut entry, stored, format)?;
    entry.push_str(&format!(r#","search":{{"mode":"{mode}"}}"#));
    bundle.entry(&entry);
    Ok(())
}

/// What a search has to say of itself.
pub(crate) fn outcome_entry(bundle: &mut BundleText, issues: &[Issue]) {
    let text = outcome(issues).to_text();
    bundle.entry(&format!(r#","resource":{text},"search":{{"mode":"outcome"}}"#));
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
    let mut entry = String::with_capacity(2048);
    member(&mut entry, "fullUrl", &format!("{base}/{name}"));
    resource(&mut entry, version, format)?;
    entry.push_str(&format!(r#","request":{{"method":"{method}","url":"#));
    write_string(&url, &mut entry);
    entry.push('}');
    let parts = Response {
        status,
        location: None,
        etag: Some(etag(version.version)),
        last_modified: Some(instant(version)),
        outcome: None,
    };
    response(&mut entry, &parts);
    bundle.entry(&entry);
    Ok(())
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
    out.push_str(r#","response":{"status":"#);
    write_string(parts.status, out);
    if let Some(location) = parts.location {
        member(out, "location", location);
    }
    if let Some(etag) = &parts.etag {
        member(out, "etag", etag);
    }
    if let Some(at) = &parts.last_modified {
        member(out, "lastModified", at);
    }
    if let Some(outcome) = parts.outcome {
        out.push_str(&format!(r#","outcome":{outcome}"#));
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
