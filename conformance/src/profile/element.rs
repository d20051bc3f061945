//! What one definition asks of one element: its type, its value, its code, what it is of.

use canonical_model::{IssueCode, Value};

use super::model::{Node, Profile, TypeRef, Wanted};
use super::values::{has, shown};
use super::walk::{Ask, At, Walk, add};
use crate::Registry;
use crate::validate::Path;

impl<'a> Walk<'a> {
    /// Judges an element by one definition, and adds the profiles of its type that this names.
    pub(super) fn node(
        &mut self,
        at: &At<'a>,
        ask: Ask<'a>,
        node: &'a Node,
        path: &Path<'_>,
        asks: &mut Vec<Ask<'a>>,
    ) {
        // What FHIR's own definitions say of types, the structural pass has judged.
        if ask.profile.narrows {
            if !node.types.is_empty() && !self.of_type(at, node, ask.profile, path) {
                return;
            }
            self.value(at, node, ask.profile, path);
        }
        if let (Some(most), Some(text)) = (node.max_length, at.value.as_str())
            && text.chars().count() > most
        {
            self.report.error(IssueCode::TooLong, path, format!("Use at most {most} characters."));
        }
        if let Some(binding) = &node.binding {
            self.binding(at, binding, ask.profile, path);
        }
        self.type_profiles(at, node, path, asks);
    }

    /// Whether the element is of a type that the definition allows.
    fn of_type(&mut self, at: &At<'a>, node: &Node, profile: &Profile, path: &Path<'_>) -> bool {
        let chosen =
            at.element.is_some_and(|it| it.choice) || (at.is_resource() && at.element.is_some());
        if !chosen || node.types.iter().any(|it| fits(at, it)) {
            return true;
        }
        let names: Vec<&str> = node.types.iter().map(|it| it.code.as_str()).collect();
        let text = format!("Use {} here{}.", names.join(" or "), of(profile));
        self.report.error(IssueCode::Structure, path, text);
        false
    }

    fn value(&mut self, at: &At<'a>, node: &Node, profile: &Profile, path: &Path<'_>) {
        let (wanted, ok, word) = match &node.value {
            None => return,
            Some(Wanted::Fixed(wanted)) => (wanted, at.value == wanted, "exactly"),
            Some(Wanted::Pattern(wanted)) => (wanted, has(at.value, wanted), "at least"),
        };
        if ok || (*at.value == Value::Null && at.extension.is_none()) {
            return;
        }
        let text = match shown(wanted) {
            Some(shown) => format!("Write {word} {shown} here{}.", of(profile)),
            None => format!("Write {word} what the profile fixes here{}.", of(profile)),
        };
        self.report.error(IssueCode::Value, path, text);
    }

    /// A type's profiles: one is asked as if it stood here, of several one must be met.
    fn type_profiles(
        &mut self,
        at: &At<'a>,
        node: &'a Node,
        path: &Path<'_>,
        asks: &mut Vec<Ask<'a>>,
    ) {
        let mut urls = node.types.iter().filter(|it| fits(at, it)).flat_map(|it| &it.profiles);
        let Some(first) = urls.next() else { return };
        let mut rest = urls.peekable();
        if rest.peek().is_none() {
            match self.profiles.find(first) {
                Some(profile) => add(asks, Ask::root(profile)),
                None => self.unknown_profile(first, path),
            }
            return;
        }
        let all: Vec<&str> = std::iter::once(first).chain(rest).map(|url| url.as_str()).collect();
        self.one_of(at, &all, path);
    }

    /// Whether the element meets one of several profiles.
    pub(super) fn one_of(&mut self, at: &At<'a>, urls: &[&str], path: &Path<'_>) {
        let known: Vec<&'a Profile> =
            urls.iter().filter_map(|url| self.profiles.find(url)).collect();
        if known.iter().any(|profile| self.meets(at, profile, path)) {
            return;
        }
        if known.len() < urls.len() {
            let missing = urls.iter().find(|url| self.profiles.find(url).is_none());
            return self.unknown_profile(missing.copied().unwrap_or_default(), path);
        }
        let text = format!("Meet one of the profiles {}.", urls.join(", "));
        self.report.error(IssueCode::Structure, path, text);
    }

    pub(super) fn unknown_profile(&mut self, url: &str, path: &Path<'_>) {
        let text = format!("Not checked against {url}, which is not known here: install it first.");
        self.report.unjudged(path, text);
    }
}

/// Whether an element is of a type.
pub(super) fn fits(at: &At<'_>, allowed: &TypeRef) -> bool {
    let code = allowed.code.as_str();
    if code == at.structure.path || at.element.is_none() {
        return true;
    }
    // A backbone element's own path is its type here.
    let backbone = matches!(code, "BackboneElement" | "Element");
    backbone || Registry::r4().descends_by_name(at.number, code)
}

/// Says which profile, where it is not FHIR's own definition of the type.
pub(super) fn of(profile: &Profile) -> String {
    if profile.narrows { format!(" (profile {})", profile.url) } else { String::new() }
}
