//! Bundles: what the entries of each type have, and what their URLs say.
//! <https://hl7.org/fhir/R4/bundle.html#bundle-unique>

use std::collections::{HashMap, HashSet};

use canonical_model::{IssueCode, ResourceType, Value};

use super::walk::Walk;
use crate::validate::Path;

/// The resources of a bundle by their URLs: the whole one, and its end `Patient/1`.
#[derive(Default)]
pub(super) struct Entries<'a>(HashMap<&'a str, &'a Value>);

impl<'a> Entries<'a> {
    pub(super) fn of(bundle: &'a Value) -> Self {
        let mut entries = HashMap::new();
        for entry in bundle.get("entry").map_or(&[][..], Value::items) {
            let url = entry.get("fullUrl").and_then(Value::as_str);
            let (Some(url), Some(resource)) = (url, entry.get("resource")) else { continue };
            entries.entry(url).or_insert(resource);
            if let Some((end, _)) = restful(url) {
                entries.entry(end).or_insert(resource);
            }
        }
        Self(entries)
    }

    /// What a reference in the bundle points at; its version is not looked at.
    pub(super) fn find(&self, reference: &str) -> Option<&'a Value> {
        let bare = reference.split_once("/_history/").map_or(reference, |(bare, _)| bare);
        self.0.get(bare).copied()
    }
}

/// `Patient/1` and `1` of `https://a.example/fhir/Patient/1`.
fn restful(url: &str) -> Option<(&str, &str)> {
    if !url.starts_with("http") {
        return None;
    }
    let (head, id) = url.rsplit_once('/')?;
    let (base, kind) = head.rsplit_once('/')?;
    ResourceType::find(kind)?;
    Some((url.get(base.len() + 1..)?, id))
}

/// Judges what no invariant of Bundle says, and the one of unique URLs, which as an expression takes
/// time in the square of the entries.
pub(super) fn check(walk: &mut Walk<'_>, bundle: &Value, path: &Path<'_>) {
    let kind = bundle.get("type").and_then(Value::as_str).unwrap_or_default();
    let mut seen = HashSet::new();
    links(walk, bundle, path);
    if kind == "document" {
        document(walk, bundle, path);
    }
    let list = path.child("entry");
    for (n, entry) in bundle.get("entry").map_or(&[][..], Value::items).iter().enumerate() {
        let here = list.item(n);
        if let Some(url) = entry.get("fullUrl").and_then(Value::as_str) {
            let version = entry.get("resource").and_then(|it| it.get("meta")?.get("versionId"));
            if kind != "history" && !seen.insert((url, version.and_then(Value::as_str))) {
                let text = "Give each entry its own fullUrl, or each its own version. (bdl-7)";
                walk.report.error(IssueCode::Duplicate, &here.child("fullUrl"), text);
            }
            full_url(walk, url, entry, &here);
        }
        match kind {
            "transaction" | "batch" => request(walk, entry, &here),
            "searchset" => found(walk, entry, &here),
            _ => {}
        }
    }
}

fn full_url(walk: &mut Walk<'_>, url: &str, entry: &Value, path: &Path<'_>) {
    let here = path.child("fullUrl");
    if !url.contains(':') {
        let text = "Write fullUrl as an absolute URL, or as urn:uuid: or urn:oid:.";
        return walk.report.error(IssueCode::Value, &here, text);
    }
    if url.contains("/_history/") {
        let text = "fullUrl names no version: leave out what begins with /_history. (bdl-8)";
        return walk.report.error(IssueCode::Invariant, &here, text);
    }
    let uuid = url.strip_prefix("urn:uuid:");
    if uuid.is_some_and(|uuid| !crate::validate::is_uuid(&uuid.to_ascii_lowercase())) {
        let text = "A UUID has 8-4-4-4-12 hexadecimal digits.";
        return walk.report.error(IssueCode::Value, &here, text);
    }
    let (Some((end, id)), Some(resource)) = (restful(url), entry.get("resource")) else { return };
    let part = |name: &str| resource.get(name).and_then(Value::as_str);
    let kind = end.split('/').next();
    if part("id").is_some_and(|own| own != id)
        || (part("id").is_some() && part("resourceType") != kind)
    {
        let text =
            "fullUrl must end in the type and id of the entry's resource: correct one of them.";
        walk.report.error(IssueCode::Invalid, &here, text);
    }
}

/// What a document's Composition refers to is in the document.
/// <https://hl7.org/fhir/R4/documents.html#content>
fn document(walk: &mut Walk<'_>, bundle: &Value, path: &Path<'_>) {
    let first = bundle.get("entry").and_then(|list| list.items().first()?.get("resource"));
    let Some(composition) = first else { return };
    let (mut named, list) = (Vec::new(), path.child("entry"));
    references(composition, &mut named);
    let entries = Entries::of(bundle);
    let missing = named.iter().filter(|it| !it.starts_with(['#']) && !it.starts_with("http"));
    let missing = missing.filter(|it| entries.find(it).is_none()).count();
    if missing > 0 {
        let text = format!(
            "Add what the Composition refers to: {missing} of its references lead to no entry by its fullUrl."
        );
        walk.report.error(IssueCode::NotFound, &list.item(0).child("resource"), text);
    }
}

/// The texts of all references.
fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(object) => {
            for (name, member) in object.iter() {
                match member.as_str() {
                    Some(text) if name == "reference" => found.push(text),
                    _ => references(member, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// Each relation has one link.
fn links(walk: &mut Walk<'_>, bundle: &Value, path: &Path<'_>) {
    let mut seen = HashSet::new();
    let list = path.child("link");
    for (n, link) in bundle.get("link").map_or(&[][..], Value::items).iter().enumerate() {
        let relation = link.get("relation").and_then(Value::as_str).unwrap_or_default();
        let paging = matches!(relation, "self" | "first" | "previous" | "next" | "last");
        if paging && !seen.insert(relation) {
            let text = "Give one link of this relation.";
            walk.report.error(IssueCode::Duplicate, &list.item(n), text);
        }
    }
}

/// What an entry of a searchset has: what matched has an id, and what is told of the search is an outcome.
fn found(walk: &mut Walk<'_>, entry: &Value, path: &Path<'_>) {
    let Some(resource) = entry.get("resource") else { return };
    let mode = entry.get("search").and_then(|it| it.get("mode")).and_then(Value::as_str);
    let outcome = resource.get("resourceType").and_then(Value::as_str) == Some("OperationOutcome");
    let here = path.child("resource");
    if mode == Some("outcome") && !outcome {
        let text = "An entry with the search mode outcome has an OperationOutcome.";
        walk.report.error(IssueCode::Invalid, &here, text);
    } else if mode == Some("match") && resource.get("id").is_none() {
        let text = "What a search finds has its id.";
        walk.report.error(IssueCode::Required, &here, text);
    }
}

/// What a request of a transaction or batch has.
fn request(walk: &mut Walk<'_>, entry: &Value, path: &Path<'_>) {
    let method = entry.get("request").and_then(|it| it.get("method")).and_then(Value::as_str);
    let has = entry.get("resource").is_some();
    let here = path.child("resource");
    match method {
        Some("POST" | "PUT") if !has => {
            let text = "A request with POST or PUT needs its resource.";
            walk.report.error(IssueCode::Required, &here, text);
        }
        Some("GET" | "HEAD" | "DELETE") if has => {
            let text =
                "A request with GET, HEAD or DELETE has no use for a resource: leave it out.";
            walk.report.warning(IssueCode::Invalid, &here, text);
        }
        _ => {}
    }
}
