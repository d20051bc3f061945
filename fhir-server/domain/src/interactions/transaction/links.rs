//! References between entries, and references by criteria, replaced by what they mean.
//! <https://hl7.org/fhir/R4/http.html#trules>

use std::collections::{BTreeMap, BTreeSet, HashMap};

use canonical_model::json::Text;
use canonical_model::{Resource, ResourceType, Result, Value};

use super::resolve::{Found, Resolved};
use super::{Entry, Operation, Patch};

/// What to replace by what.
pub(super) struct Links {
    map: HashMap<String, String>,
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
        let mut map = conditional.clone();
        for (entry, resolved) in entries.iter().zip(resolved) {
            let id = match resolved {
                Resolved::New(id) | Resolved::Target(id, _) => id.as_str(),
                Resolved::Existing(stored) => stored.id.as_str(),
                Resolved::Nothing => continue,
            };
            let kind = entry.operation.kind();
            let name = format!("{kind}/{id}");
            let Some(full_url) = &entry.full_url else { continue };
            // A POST gives a new id: relative references to the old one mean the new one.
            if let (Operation::Create(resource, _), Some((_, old))) =
                (&entry.operation, full_url.rsplit_once('/'))
                && full_url.ends_with(&format!("{kind}/{old}"))
                && resource.id() == Some(old)
            {
                map.entry(format!("{kind}/{old}")).or_insert_with(|| name.clone());
            }
            map.insert(full_url.clone(), name);
        }
        Self { map }
    }

    /// The resource with its links replaced.
    pub(super) fn rewrite(&self, resource: &Resource) -> Result<Resource> {
        if self.map.is_empty() {
            return Ok(resource.clone());
        }
        let mut body = resource.body().clone();
        self.walk(&mut body);
        Ok(Resource::from_value(body)?.with_blob(resource.blob().copied()))
    }

    /// The patch with its links replaced. Those of what it changes stay as they are.
    pub(super) fn rewrite_patch(&self, patch: &Patch) -> Patch {
        let mut patch = patch.clone();
        if self.map.is_empty() {
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
                if let Some(name) = self.map.get(plain) {
                    *text = match version {
                        Some(version) => format!("{name}/_history/{version}").into(),
                        None => name.as_str().into(),
                    };
                }
            }
            "value" | "fullUrl" => {}
            "div" if text.contains("urn:") => {
                for (from, to) in self.map.iter().filter(|(from, _)| from.starts_with("urn:")) {
                    if text.contains(from.as_str()) {
                        *text = text.replace(from.as_str(), to).into();
                    }
                }
            }
            _ if text.starts_with("urn:") => {
                if let Some(name) = self.map.get(text.as_str()) {
                    *text = name.as_str().into();
                }
            }
            _ => {}
        }
    }
}
