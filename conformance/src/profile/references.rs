//! References: what type their targets are of, and, where a target is at hand, which profile it meets.
//! <https://hl7.org/fhir/R4/references.html>

use canonical_model::fhirpath::reference_type;
use canonical_model::json::Text;
use canonical_model::{IssueCode, ResourceType, Value};

use super::compile::last;
use super::contained::Contained;
use super::walk::{Ask, At, Walk};
use crate::Registry;
use crate::validate::Path;

impl<'a> Walk<'a> {
    /// Judges a reference by every definition that says what it may point at.
    pub(super) fn references(&mut self, at: &At<'a>, asks: &[Ask<'a>], path: &Path<'_>) {
        if at.structure.path != "Reference" {
            return;
        }
        let mut judged: Vec<&'a [Text]> = Vec::new();
        for node in asks.iter().filter_map(Ask::node) {
            let of_reference = node.types.iter().filter(|it| it.code == "Reference");
            for allowed in of_reference.filter(|it| !it.targets.is_empty()) {
                if !judged.contains(&allowed.targets.as_slice()) {
                    judged.push(&allowed.targets);
                    self.reference(at, &allowed.targets, path);
                }
            }
        }
    }

    fn reference(&mut self, at: &At<'a>, targets: &'a [Text], path: &Path<'_>) {
        let Some(kind) = self.target_type(at) else { return };
        let fitting: Vec<&str> =
            targets.iter().map(Text::as_str).filter(|url| self.is_of(kind, url)).collect();
        if fitting.is_empty() {
            let mut names: Vec<&str> = targets.iter().map(|url| self.type_of(url)).collect();
            names.sort_unstable();
            names.dedup();
            let text = format!("Refer to {}, not to {kind}.", names.join(" or "));
            return self.report.error(IssueCode::Structure, path, text);
        }
        let is_type = |url: &&str| !self.profiles.find(url).is_some_and(|it| it.narrows);
        let Some(target) = self.target(at) else { return };
        if !fitting.iter().any(is_type) {
            self.one_of(&target, &fitting, path);
        }
    }

    /// The type that a profile describes; of an unknown one nothing is known but its name.
    fn type_of<'u>(&self, url: &'u str) -> &'u str
    where
        'a: 'u,
    {
        self.profiles.find(url).map_or_else(|| last(url), |profile| profile.kind())
    }

    /// Whether a type may meet a profile.
    fn is_of(&self, kind: ResourceType, url: &str) -> bool {
        let of = self.type_of(url);
        let registry = Registry::r4();
        match registry.number(kind.name()) {
            // An unknown profile may be of this type.
            _ if registry.number(of).is_none() => true,
            Some(number) => registry.descends_by_name(number, of),
            None => false,
        }
    }

    /// The type of what a reference points at, as far as it or its target tells.
    pub(super) fn target_type(&self, at: &At<'a>) -> Option<ResourceType> {
        if let Some(target) = self.target(at) {
            return ResourceType::find(target.structure.path);
        }
        let text = at.value.get("reference").and_then(Value::as_str);
        text.and_then(reference_type).or_else(|| {
            let named = at.value.get("type")?.as_str()?;
            ResourceType::find(last(named))
        })
    }

    /// What a reference points at, where it is in the same resource or bundle.
    pub(super) fn target(&self, at: &At<'a>) -> Option<At<'a>> {
        let text = match at.value {
            Value::String(text) => text.as_str(),
            other => other.get("reference")?.as_str()?,
        };
        let Some(id) = text.strip_prefix('#') else {
            return At::resource(self.entries.find(text)?, None);
        };
        if id.is_empty() {
            return At::resource(at.container, None);
        }
        let found = match self.contained.is_of(at.container) {
            true => self.contained.find(id),
            false => Contained::of(at.container).find(id),
        };
        At::resource(found?, Some(at.container))
    }
}
