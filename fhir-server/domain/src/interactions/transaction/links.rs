//! References between entries, and references by criteria, replaced by what they mean.
//! <https://hl7.org/fhir/R4/http.html#trules>

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use canonical_model::json::Text;
use canonical_model::{Resource, ResourceType, Result, Value};

use super::resolve::{Found, Resolved};
use super::{Entry, Operation, Patch};

/// What to replace by what.
pub(super) struct Links {
    /// Names of entries and conditional references.
    map: HashMap<String, String>,
    /// What is new by this transaction: no version of it was there to be named.
    new: HashSet<String>,
}

/// What to replace in one entry.
pub(super) struct Within<'a> {
    links: &'a Links,
    /// What the entry's relative references are below.
    base: Option<&'a str>,
}

/// The conditional references of all entries, each once, with the first entry that has it.
pub(super) fn conditional(entries: &[Entry]) -> Vec<(String, &Entry)> {
    let mut all = BTreeMap::new();
    for entry in entries {
        for text in waits_for(entry) {
            all.entry(text).or_insert(entry);
        }
    }
    all.into_iter().collect()
}

/// The conditional references of an entry.
pub(super) fn waits_for(entry: &Entry) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if let Some(resource) = entry.operation.resource() {
        collect(resource.body(), &mut found);
    }
    found
}

fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (key, member) in object.iter() {
                match member {
                    Value::String(text) if key == "reference" && is_conditional(text) => {
                        found.insert(text.to_string());
                    }
                    other => collect(other, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

/// Where in a resource a reference stands first, for whoever must be told.
pub(super) fn element(resource: &Resource, reference: &str) -> String {
    fn within(value: &Value, path: &str, reference: &str) -> Option<String> {
        match value {
            Value::Object(object) => object.iter().find_map(|(key, member)| match member {
                Value::String(text) if key == "reference" && *text == *reference => {
                    Some(format!("{path}.{key}"))
                }
                other => within(other, &format!("{path}.{key}"), reference),
            }),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .find_map(|(n, item)| within(item, &format!("{path}[{n}]"), reference)),
            _ => None,
        }
    }
    within(resource.body(), "resource", reference).unwrap_or_else(|| "resource".to_owned())
}

fn is_conditional(text: &str) -> bool {
    text.split_once('?').is_some_and(|(kind, _)| ResourceType::find(kind).is_some())
}

impl Links {
    pub(super) fn new(entries: &[Entry], resolved: &[Resolved], conditional: &Found) -> Self {
        let mut links = Self { map: conditional.clone(), new: HashSet::new() };
        for (entry, resolved) in entries.iter().zip(resolved) {
            let id = match resolved {
                Resolved::New(id) | Resolved::Target(id, _) => id.as_str(),
                Resolved::Existing(stored) => stored.id.as_str(),
                Resolved::Nothing => continue,
            };
            let name = format!("{}/{id}", entry.operation.kind());
            let Some(full_url) = &entry.full_url else { continue };
            if matches!(entry.operation, Operation::Create(..)) {
                links.new.insert(name.clone());
            }
            links.map.insert(full_url.clone(), name);
        }
        links
    }

    /// For one entry: a relative reference is below the base of its `fullUrl`.
    /// <https://hl7.org/fhir/R4/bundle.html#references>
    pub(super) fn within<'a>(&'a self, entry: &'a Entry) -> Within<'a> {
        Within { links: self, base: base(entry) }
    }
}

/// The base of a `fullUrl` that is `[base]/[type]/[id]`.
fn base(entry: &Entry) -> Option<&str> {
    let (place, _) = entry.full_url.as_deref()?.rsplit_once('/')?;
    place.strip_suffix(entry.operation.kind().name())?.strip_suffix('/')
}

impl Within<'_> {
    /// The resource with its links replaced.
    pub(super) fn rewrite(&self, resource: &Resource) -> Result<Resource> {
        if self.links.map.is_empty() {
            return Ok(resource.clone());
        }
        let mut body = resource.body().clone();
        self.walk(&mut body);
        Ok(Resource::from_value(body)?.with_blob(resource.blob().copied()))
    }

    /// The patch with its links replaced. Those of what it changes stay as they are.
    pub(super) fn rewrite_patch(&self, patch: &Patch) -> Patch {
        let mut patch = patch.clone();
        if self.links.map.is_empty() {
            return patch;
        }
        match &mut patch {
            Patch::FhirPath(parameters) => self.walk(parameters),
            Patch::Json(Value::Array(operations)) => {
                for operation in operations {
                    self.walk(operation);
                    self.replace_value(operation);
                }
            }
            Patch::Json(_) => {}
        }
        patch
    }

    /// The text that an operation of a JSON Patch puts where its path says.
    fn replace_value(&self, operation: &mut Value) {
        let path = operation.get("path").and_then(Value::as_str).unwrap_or_default();
        let key = path.rsplit('/').next().unwrap_or_default().to_owned();
        let Value::Object(members) = operation else { return };
        for (name, member) in members.iter_mut() {
            if let (true, Value::String(text)) = (name == "value", member) {
                self.replace(&key, text);
            }
        }
    }

    fn walk(&self, value: &mut Value) {
        match value {
            Value::Object(object) => {
                for (key, member) in object.iter_mut() {
                    match member {
                        Value::String(text) => self.replace(key, text),
                        other => self.walk(other),
                    }
                }
            }
            Value::Array(items) => {
                for item in items {
                    match item {
                        Value::String(text) => self.replace("", text),
                        other => self.walk(other),
                    }
                }
            }
            _ => {}
        }
    }

    /// References of any form; `urn:` names in any uri; links inside a narrative. An identifier's
    /// value is a name of its own, whatever it looks like.
    fn replace(&self, key: &str, text: &mut Text) {
        match key {
            "reference" => {
                let whole = text.as_str();
                let (plain, version) = match whole.split_once("/_history/") {
                    Some((plain, version)) => (plain, Some(version)),
                    None => (whole, None),
                };
                if let Some(name) = self.named(plain) {
                    *text = match version.filter(|_| !self.links.new.contains(name)) {
                        Some(version) => format!("{name}/_history/{version}").into(),
                        None => name.as_str().into(),
                    };
                }
            }
            // A patch's values of types that are no uri.
            "value" | "fullUrl" | "valueString" | "valueMarkdown" | "valueCode" | "valueId" => {}
            "div" => *text = self.narrative(text.as_str()).into(),
            _ if text.starts_with("urn:") => {
                if let Some(name) = self.links.map.get(text.as_str()) {
                    *text = name.as_str().into();
                }
            }
            _ => {}
        }
    }
    /// What a reference without its version means here, if it is to be replaced.
    fn named(&self, plain: &str) -> Option<&String> {
        let below = || self.base.filter(|_| is_relative(plain));
        let map = &self.links.map;
        map.get(plain).or_else(|| map.get(&format!("{}/{plain}", below()?)))
    }

    /// A narrative with its names replaced, each as a whole, and what its links and images lead to: in one walk
    /// through the text.
    fn narrative(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, opening, from)) = next_name(rest) {
            let end = match opening {
                URN => from.find(|c| !is_name_part(c)).unwrap_or(from.len()),
                _ => from.find(['"', '\'', '#']).unwrap_or(from.len()),
            };
            let (whole, _) = from.split_at_checked(end).unwrap_or((from, ""));
            // The point of a sentence is a part of no name.
            let bare = whole.trim_end_matches(['.', ',', ':', ';']);
            let found = [whole, bare].into_iter().find_map(|name| Some((name, self.named(name)?)));
            let (taken, written) = found.map_or((whole, whole), |(name, to)| (name, to.as_str()));
            out.push_str(before);
            out.push_str(written);
            rest = from.get(taken.len()..).unwrap_or_default();
        }
        out + rest
    }
}

const URN: &str = "urn:";

/// What comes before something that may be a name: a URN, or what follows one of these; how it begins; and itself.
fn next_name(text: &str) -> Option<(&str, &'static str, &str)> {
    const LINKS: [&str; 4] = ["href=\"", "href='", "src=\"", "src='"];
    let starts = text.bytes().enumerate().filter(|(_, byte)| matches!(byte, b'u' | b'h' | b's'));
    for (at, _) in starts {
        let (before, from) = text.split_at_checked(at)?;
        if from.starts_with(URN) {
            return Some((before, URN, from));
        }
        if let Some(opening) = LINKS.into_iter().find(|opening| from.starts_with(opening)) {
            let (before, from) = text.split_at_checked(at + opening.len())?;
            return Some((before, opening, from));
        }
    }
    None
}

/// Whether a reference is `Type/id`.
fn is_relative(plain: &str) -> bool {
    plain.split_once('/').is_some_and(|(kind, _)| ResourceType::find(kind).is_some())
}

/// Whether a URN may have it, as it is written in a narrative.
/// <https://www.rfc-editor.org/rfc/rfc8141#section-2>
fn is_name_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~:/%!$()*+,;=@".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn narrative(text: &str) -> String {
        let name = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        let map = HashMap::from([
            name("urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", "Patient/1"),
            name("urn:oid:1.2.34", "Basic/2"),
            name("http://x.example/fhir/Basic/old", "Basic/3"),
        ]);
        let links = Links { map, new: HashSet::new() };
        Within { links: &links, base: Some("http://x.example/fhir") }.narrative(text)
    }

    #[test]
    fn names_in_narratives_are_replaced_as_a_whole() {
        for (text, expected) in [
            (
                "<a href=\"urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0\">a</a>",
                "<a href=\"Patient/1\">a</a>",
            ),
            ("<a href='urn:oid:1.2.34'>urn:oid:1.2.34</a>", "<a href='Basic/2'>Basic/2</a>"),
            ("urn:oid:1.2.345 urn:oid:1.2.34.", "urn:oid:1.2.345 Basic/2."),
            ("urn:oid:1.2.34#a urn: urn:", "Basic/2#a urn: urn:"),
            ("éurn:oid:1.2.34é", "éBasic/2é"),
            ("<a href=\"http://x.example/fhir/Basic/old\">", "<a href=\"Basic/3\">"),
            (
                "<img src='Basic/old'/><a href=\"Basic/old#a\">",
                "<img src='Basic/3'/><a href=\"Basic/3#a\">",
            ),
            (
                "<a href=\"Basic/older\">Basic/old</a> href=\"",
                "<a href=\"Basic/older\">Basic/old</a> href=\"",
            ),
        ] {
            assert_eq!(narrative(text), expected);
        }
    }
}
