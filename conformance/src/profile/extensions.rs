//! Extensions by their own definitions. <https://hl7.org/fhir/R4/defining-extensions.html>

use canonical_model::{IssueCode, Value};

use super::model::{Context, Profile};
use super::walk::{Ask, At, Walk, add};
use crate::Registry;
use crate::validate::Path;

impl<'a> Walk<'a> {
    /// Adds the definition of an extension to those that are asked, and judges where it stands.
    pub(super) fn extension(
        &mut self,
        parent: &At<'a>,
        at: &At<'a>,
        asks: &mut Vec<Ask<'a>>,
        path: &Path<'_>,
    ) {
        let Some(url) = at.value.get("url").and_then(Value::as_str) else { return };
        let modifies = at.element.is_some_and(|it| it.name == "modifierExtension");
        // Within an extension they have names; the outer one's definition knows them.
        if !url.contains(':') {
            if parent.structure.path != "Extension" {
                let text = "Name an extension by its absolute URL.";
                self.report.error(IssueCode::Value, &path.child("url"), text);
            }
            return;
        }
        let Some(profile) = self.profiles.find(url).filter(|it| it.kind == "Extension") else {
            return self.unknown_extension(modifies, path);
        };
        add(asks, Ask::root(profile));
        if profile.node(0).is_some_and(|root| root.modifier) != modifies {
            let text = if modifies {
                "This extension changes no meaning: put it into extension."
            } else {
                "This extension changes the meaning of what it stands in: put it into modifierExtension."
            };
            self.report.error(IssueCode::Extension, path, text);
        }
        if !allows(profile, parent, path) {
            let places: Vec<&str> = profile.contexts.iter().filter_map(Context::name).collect();
            let text = format!("This extension may stand in {} only.", places.join(" or "));
            self.report.error(IssueCode::Extension, path, text);
        }
    }

    fn unknown_extension(&mut self, modifies: bool, path: &Path<'_>) {
        if modifies {
            let text = "This extension changes the meaning of what it stands in, and is not known here: install its definition, or leave it out.";
            self.report.error(IssueCode::Extension, path, text);
        } else {
            let text = "The definition of this extension is not known here, so it was not checked.";
            self.report.unjudged(path, text);
        }
    }
}

impl Context {
    fn name(&self) -> Option<&str> {
        match self {
            Self::Element(name) | Self::Extension(name) => Some(name),
            Self::Path => None,
        }
    }
}

/// Whether an extension may stand in an element. `path` is the extension's own.
fn allows(profile: &Profile, parent: &At<'_>, path: &Path<'_>) -> bool {
    if profile.contexts.is_empty() {
        return true;
    }
    let whole = defined(path, parent);
    profile.contexts.iter().any(|context| match context {
        Context::Path => true,
        Context::Extension(url) => {
            parent.structure.path == "Extension"
                && parent.value.get("url").and_then(Value::as_str) == Some(url.as_str())
        }
        Context::Element(expression) => {
            let name = expression.strip_suffix("[x]").unwrap_or(expression);
            // Of a profile's elements nothing is known here.
            name.contains(':')
                || Registry::r4().descends_by_name(parent.number, name)
                || whole.iter().any(|path| path == name)
        }
    })
}

/// The paths by which definitions may speak of the element that an extension is in: from its resource
/// down, and from the type that has it.
fn defined(path: &Path<'_>, parent: &At<'_>) -> Vec<String> {
    let kind = parent.resource.get("resourceType").and_then(Value::as_str).unwrap_or_default();
    let names = path.names();
    let above = names.split_last().map_or(&[][..], |(_, above)| above);
    let inner = (1..above.len()).rev().find(|at| is_resource(above, *at)).unwrap_or(0);
    let steps = above.get(inner + 1..).unwrap_or_default().iter();
    let whole = steps.fold(kind.to_owned(), |path, step| path + "." + step);
    let of_owner = parent.owner.zip(parent.element);
    let of_owner = of_owner.map(|(owner, element)| format!("{}.{}", owner.path, element.name));
    std::iter::once(whole).chain(of_owner).collect()
}

/// Whether the element with this place in a path is a resource within another.
fn is_resource(names: &[&str], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| names.get(before)).copied();
    match names.get(at).copied() {
        Some("contained") => true,
        Some("resource") => matches!(before, Some("entry" | "parameter" | "part")),
        Some("outcome") => before == Some("response"),
        _ => false,
    }
}
