//! Links between entries, and references by criteria, replaced by what they mean: in references, and in elements of
//! type uri, url, oid, uuid and xhtml; those of type canonical name a definition, wherever it is.
//! <https://hl7.org/fhir/R4/http.html#trules>

use std::collections::{HashMap, HashSet};

use canonical_model::json::Text;
use canonical_model::{Resource, ResourceType, Result, Value};
use conformance::{Key, Primitive, Registry, Shape, Structure};

use super::resolve::Resolved;
use super::{Entry, Operation, narrative};
use crate::interactions::patch::Patch;

/// What to replace by what.
pub(super) struct Links {
    /// Names of entries and references by criteria.
    map: HashMap<String, String>,
    /// What is new by this transaction: no version of it was there to be named.
    new: HashSet<String>,
}

impl Links {
    /// The names of entries, with what each is about.
    pub(super) fn new(entries: &[Entry], resolved: &[Resolved]) -> Self {
        let mut links = Self { map: HashMap::new(), new: HashSet::new() };
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

    /// Adds what a reference means.
    pub(super) fn add(&mut self, reference: String, name: String) {
        self.map.insert(reference, name);
    }

    /// For one entry: a relative reference is below the base of its `fullUrl`.
    /// <https://hl7.org/fhir/R4/bundle.html#references>
    pub(super) fn within<'a>(&'a self, entry: &'a Entry) -> Within<'a> {
        let (kind, base) = (entry.operation.kind(), base(entry));
        Within { links: self, kind, base, own: HashSet::new() }
    }
}

/// The base of a `fullUrl` that is `[base]/[type]/[id]`.
fn base(entry: &Entry) -> Option<&str> {
    let (place, _) = entry.full_url.as_deref()?.rsplit_once('/')?;
    place.strip_suffix(entry.operation.kind().name())?.strip_suffix('/')
}

/// What to replace in one entry, or in a Bundle within it.
pub(super) struct Within<'a> {
    links: &'a Links,
    kind: ResourceType,
    /// What relative references are below.
    base: Option<&'a str>,
    /// Names that mean something else here: the entries of a Bundle within the entry.
    own: HashSet<String>,
}

impl Within<'_> {
    /// The resource with its links replaced.
    pub(super) fn rewrite(&self, resource: &Resource) -> Result<Resource> {
        if self.links.map.is_empty() {
            return Ok(resource.clone());
        }
        let mut body = resource.body().clone();
        self.resource(&mut body);
        Ok(Resource::from_value(body)?.with_blob(resource.blob().copied()))
    }

    /// The patch with its links replaced. Those of what it changes stay as they are.
    pub(super) fn rewrite_patch(&self, patch: &Patch) -> Patch {
        let mut patch = patch.clone();
        if self.links.map.is_empty() {
            return patch;
        }
        match &mut patch {
            Patch::FhirPath(parameters) => self.resource(parameters),
            Patch::Json(Value::Array(operations)) => {
                operations.iter_mut().for_each(|operation| self.operation(operation));
            }
            Patch::Json(_) => {}
        }
        patch
    }

    /// What an operation of a JSON Patch puts where its path says.
    fn operation(&self, operation: &mut Value) {
        let path = operation.get("path").and_then(Value::as_str).unwrap_or_default();
        let spot = spot(self.kind, path);
        let Value::Object(members) = operation else { return };
        let value = members.iter_mut().find(|(name, _)| *name == "value");
        match (spot, value) {
            (Some(Spot::Whole), Some((_, value))) => self.resource(value),
            (Some(Spot::Member(parent, key)), Some((_, value))) => self.member(parent, key, value),
            (None, _) | (_, None) => {}
        }
    }

    fn resource(&self, value: &mut Value) {
        let kind = value.get("resourceType").and_then(Value::as_str);
        let Some(structure) = kind.and_then(|kind| Registry::r4().structure(kind)) else { return };
        match structure.path {
            "Bundle" => {
                let mut own = self.own.clone();
                own.extend(full_urls(value).map(str::to_owned));
                let inner = Within { links: self.links, kind: self.kind, base: None, own };
                inner.object(structure, value);
            }
            _ => self.object(structure, value),
        }
    }

    fn object(&self, structure: &'static Structure, value: &mut Value) {
        let Value::Object(object) = value else { return };
        for (name, member) in object.iter_mut() {
            match name.strip_prefix('_') {
                Some(_) => self.extensions(member),
                None => {
                    structure
                        .key(name)
                        .into_iter()
                        .for_each(|key| self.member(structure, key, member));
                }
            }
        }
    }

    /// What stands beside primitive values.
    fn extensions(&self, beside: &mut Value) {
        let Some(element) = Registry::r4().structure("Element") else { return };
        each(beside, |one| self.object(element, one));
    }

    fn member(&self, parent: &'static Structure, key: &'static Key, member: &mut Value) {
        let Some(kind) = Registry::r4().at(key.structure) else { return };
        each(member, |one| match (one, kind.shape) {
            (Value::String(text), Shape::Primitive(primitive)) => {
                self.text(parent, key.name, primitive, text);
            }
            (one, _) if Registry::r4().is_any_resource(key.structure) => self.resource(one),
            (one, _) => self.object(kind, one),
        });
    }

    fn text(&self, parent: &Structure, key: &str, primitive: Primitive, text: &mut Text) {
        match primitive {
            Primitive::Url => self.reference(text),
            Primitive::String if (parent.path, key) == ("Reference", "reference") => {
                self.reference(text);
            }
            Primitive::Xhtml => {
                *text = narrative::replaced(text, |name| self.below(name)).into();
            }
            Primitive::Uri | Primitive::Oid | Primitive::Uuid
                if text.starts_with("urn:") || !is_name(parent, key) =>
            {
                if let Some(name) = self.named(text) {
                    *text = name.into();
                }
            }
            _ => {}
        }
    }

    /// With the version that it names, where there was one.
    fn reference(&self, text: &mut Text) {
        let whole = text.as_str();
        let (plain, version) = match whole.split_once("/_history/") {
            Some((plain, version)) => (plain, Some(version)),
            None => (whole, None),
        };
        if let Some(name) = self.below(plain) {
            *text = match version.filter(|_| !self.links.new.contains(name)) {
                Some(version) => format!("{name}/_history/{version}").into(),
                None => name.into(),
            };
        }
    }

    /// What a name means, if it is to be replaced.
    fn named(&self, name: &str) -> Option<&str> {
        self.links.map.get(name).filter(|_| !self.own.contains(name)).map(String::as_str)
    }

    /// The same for one that may be relative.
    fn below(&self, name: &str) -> Option<&str> {
        let base = self.base.filter(|_| is_relative(name));
        self.named(name).or_else(|| self.named(&format!("{}/{name}", base?)))
    }
}

/// Whether a uri names a namespace or a definition, and leads nowhere: `Coding.system`, `ValueSet.url`.
fn is_name(parent: &Structure, key: &str) -> bool {
    matches!(key, "system" | "url" | "type") || parent.path == "ConceptMap.group"
}

/// The names of a Bundle's own entries.
fn full_urls(bundle: &Value) -> impl Iterator<Item = &str> {
    let entries = bundle.get("entry").into_iter().flat_map(Value::items);
    entries.filter_map(|entry| entry.get("fullUrl")?.as_str())
}

/// What a pointer leads to.
enum Spot {
    Whole,
    /// Of this structure, under this key.
    Member(&'static Structure, &'static Key),
}

/// Where a pointer leads; `None` for what is defined nowhere, or within a contained resource.
/// <https://www.rfc-editor.org/rfc/rfc6901>
fn spot(kind: ResourceType, pointer: &str) -> Option<Spot> {
    let mut parent = Registry::r4().resource(kind)?;
    let mut spot = Spot::Whole;
    for step in pointer.split('/').skip(1) {
        if step == "-" || step.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        if let Spot::Member(_, key) = spot {
            parent = Registry::r4().at(key.structure)?;
        }
        spot = Spot::Member(parent, parent.key(step)?);
    }
    Some(spot)
}

/// One after the other, where there are several.
fn each(value: &mut Value, mut act: impl FnMut(&mut Value)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(act),
        single => act(single),
    }
}

/// Whether a reference is `Type/id`.
fn is_relative(plain: &str) -> bool {
    plain.split_once('/').is_some_and(|(kind, _)| ResourceType::find(kind).is_some())
}
