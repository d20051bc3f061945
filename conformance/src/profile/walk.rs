//! The walk: from a resource down, with the definitions that speak of each element.

use std::collections::HashSet;

use canonical_model::json::Object;
use canonical_model::{Issue, IssueCode, Resource, ResourceType, Severity, Value};

use super::bundle::Entries;
use super::contained::Contained;
use super::model::{Node, NodeId, Profile};
use super::report::Report;
use super::set::Profiles;
use super::terms::Terminology;
use super::{builtin, bundle, contained, datatypes, questionnaire};
use crate::Registry;
use crate::index::{Element, Key, Shape, Structure};
use crate::limits::{
    ELEMENTS_JUDGED_MAX, INVARIANT_STEPS_MAX, PROFILES_CLAIMED_MAX, PROFILES_NESTED_MAX,
};
use crate::validate::Path;

/// Validates resources against profiles.
#[derive(Clone, Copy)]
pub struct Validator<'a> {
    profiles: &'a Profiles,
    terminology: &'a dyn Terminology,
    questionnaires: &'a [Value],
    only_errors: bool,
    steps: u32,
}

impl<'a> Validator<'a> {
    /// Validates against these profiles, and asks `terminology` about codes.
    #[must_use]
    pub fn new(profiles: &'a Profiles, terminology: &'a dyn Terminology) -> Self {
        Self {
            profiles,
            terminology,
            questionnaires: &[],
            only_errors: false,
            steps: INVARIANT_STEPS_MAX,
        }
    }

    /// The same with the Questionnaires that responses answer: see [`answered`](super::answered).
    #[must_use]
    pub fn with_questionnaires(self, questionnaires: &'a [Value]) -> Self {
        Self { questionnaires, ..self }
    }

    /// The same, for whoever wants to know of errors alone: nothing else is looked for.
    #[must_use]
    pub fn only_errors(self) -> Self {
        Self { only_errors: true, ..self }
    }

    /// The same in fewer steps of rules than [`INVARIANT_STEPS_MAX`]; what needs more is an error.
    #[must_use]
    pub fn within(self, steps: u32) -> Self {
        Self { steps: steps.min(INVARIANT_STEPS_MAX), ..self }
    }

    /// Judges a resource by R4's own rules, by the profiles that it claims in `meta.profile`, and by those
    /// that `asked` names. Its structure must have been validated before: what is wrong there is not told
    /// again. Errors come first; none of error severity means that nothing wrong was found, and what was
    /// not judged is told as information.
    #[must_use]
    pub fn judge(&self, resource: &Resource, asked: &[&str]) -> Vec<Issue> {
        let mut walk = Walk {
            profiles: self.profiles,
            terminology: self.terminology,
            questionnaires: self.questionnaires,
            report: Report::of(self.only_errors),
            steps_left: self.steps,
            elements_left: ELEMENTS_JUDGED_MAX,
            nested: 0,
            too_long: false,
            ids: HashSet::new(),
            contained: Contained::default(),
            entries: Entries::default(),
        };
        let path = Path::root(resource.kind().name());
        walk.resource(resource.body(), None, &path, asked);
        walk.report.into_issues()
    }
}

impl std::fmt::Debug for Validator<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Validator").field("profiles", self.profiles).finish_non_exhaustive()
    }
}

/// The walk: what it goes by, what it found, what it may still do.
pub(super) struct Walk<'a> {
    pub(super) profiles: &'a Profiles,
    pub(super) terminology: &'a dyn Terminology,
    pub(super) questionnaires: &'a [Value],
    pub(super) report: Report,
    pub(super) steps_left: u32,
    pub(super) elements_left: usize,
    /// Trials within trials.
    pub(super) nested: usize,
    too_long: bool,
    /// The ids of the elements of the resource so far: each has its own.
    pub(super) ids: HashSet<&'a str>,
    /// Those that the present container contains.
    pub(super) contained: Contained<'a>,
    /// Of the bundle around.
    pub(super) entries: Entries<'a>,
}

/// An element, with what is around it.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    /// Its JSON; `null` where a primitive has extensions but no value.
    pub(super) value: &'a Value,
    /// A primitive's partner with the underscore.
    pub(super) extension: Option<&'a Value>,
    /// Its type.
    pub(super) structure: &'static Structure,
    /// The type's number.
    pub(super) number: u16,
    /// What it is in its parent; `None` for a resource.
    pub(super) element: Option<&'static Element>,
    /// The type of that parent.
    pub(super) owner: Option<&'static Structure>,
    /// The resource that it is in.
    pub(super) resource: &'a Value,
    /// The resource that contains that one, or itself.
    pub(super) container: &'a Value,
}

/// A definition that speaks of an element.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) profile: &'a Profile,
    pub(super) node: NodeId,
}

impl<'a> Ask<'a> {
    pub(super) fn root(profile: &'a Profile) -> Self {
        Self { profile, node: 0 }
    }

    pub(super) fn node(&self) -> Option<&'a Node> {
        self.profile.node(self.node)
    }

    fn is(&self, other: &Self) -> bool {
        std::ptr::eq(self.profile, other.profile) && self.node == other.node
    }
}

impl<'a> At<'a> {
    /// The members below it: its own, or those of a primitive's partner.
    pub(super) fn members(&self) -> Option<&'a Object> {
        self.value.as_object().or_else(|| self.extension?.as_object())
    }

    /// A child; a resource has the type that it says itself.
    pub(super) fn child(
        &self,
        key: &'static Key,
        element: &'static Element,
        value: &'a Value,
        extension: Option<&'a Value>,
    ) -> Option<Self> {
        let registry = Registry::r4();
        if !registry.is_any_resource(key.structure) {
            let (number, structure) = (key.structure, registry.at(key.structure)?);
            let (element, owner) = (Some(element), Some(self.structure));
            return Some(Self { value, extension, structure, number, element, owner, ..*self });
        }
        let container = if element.name == "contained" { Some(self.container) } else { None };
        let inner = Self::resource(value, container)?;
        Some(Self { element: Some(element), ..inner })
    }

    /// A resource, or nothing where it does not say what it is.
    pub(super) fn resource(value: &'a Value, container: Option<&'a Value>) -> Option<Self> {
        let registry = Registry::r4();
        let number = registry.number(value.get("resourceType")?.as_str()?)?;
        let structure = registry.at(number).filter(|it| it.shape == Shape::Resource)?;
        Some(Self {
            value,
            extension: None,
            structure,
            number,
            element: None,
            owner: None,
            resource: value,
            container: container.unwrap_or(value),
        })
    }

    pub(super) fn is_resource(&self) -> bool {
        self.structure.shape == Shape::Resource
    }
}

impl<'a> Walk<'a> {
    /// Judges a resource: the outermost, one that is contained, or one in a bundle's entry.
    pub(super) fn resource(
        &mut self,
        value: &'a Value,
        container: Option<&'a Value>,
        path: &Path<'_>,
        asked: &[&str],
    ) {
        let Some(at) = At::resource(value, container) else { return };
        let mut asks = Vec::new();
        for canonical in asked {
            self.ask(&at, canonical, path, Severity::Error, &mut asks);
        }
        self.enter(at, asks, path);
    }

    /// Judges a resource with the definitions that its surroundings ask, and those that it claims.
    pub(super) fn enter(&mut self, at: At<'a>, mut asks: Vec<Ask<'a>>, path: &Path<'_>) {
        self.claimed(&at, path, &mut asks);
        let is_bundle = at.structure.path == ResourceType::BUNDLE.name();
        let outer = is_bundle.then(|| {
            let own = Entries::of(at.value);
            std::mem::replace(&mut self.entries, own)
        });
        if is_bundle {
            bundle::check(self, at.value, path);
        }
        let is_container = std::ptr::eq(at.resource, at.container);
        let around = is_container.then(|| {
            contained::check(self, at.value, path);
            std::mem::replace(&mut self.contained, Contained::of(at.value))
        });
        questionnaire::check(self, at.value, path);
        let ids = std::mem::take(&mut self.ids);
        self.element(at, asks, path);
        self.ids = ids;
        if let Some(outer) = outer {
            self.entries = outer;
        }
        if let Some(around) = around {
            self.contained = around;
        }
    }

    /// The profiles of `meta.profile`.
    fn claimed(&mut self, at: &At<'a>, path: &Path<'_>, asks: &mut Vec<Ask<'a>>) {
        let claimed = at.value.get("meta").and_then(|meta| meta.get("profile"));
        let claimed = claimed.map_or(&[][..], Value::items);
        let meta = path.child("meta");
        for (n, canonical) in claimed.iter().enumerate() {
            let here = meta.child("profile").item(n);
            if n >= PROFILES_CLAIMED_MAX {
                let text = format!("A resource claims at most {PROFILES_CLAIMED_MAX} profiles.");
                return self.report.error(IssueCode::TooLong, &here, text);
            }
            if let Some(canonical) = canonical.as_str() {
                self.ask(at, canonical, &here, Severity::Warning, asks);
            }
        }
    }

    /// Adds a profile that a resource is to meet. One that is not known is told.
    fn ask(
        &mut self,
        at: &At<'a>,
        canonical: &str,
        path: &Path<'_>,
        missing: Severity,
        asks: &mut Vec<Ask<'a>>,
    ) {
        let Some(profile) = self.profiles.find(canonical) else {
            let text = "This profile is not known here, so it was not checked: install it first.";
            return self.report.add(missing, IssueCode::NotFound, path, text);
        };
        if Registry::r4().descends_by_name(at.number, &profile.kind) {
            asks.push(Ask::root(profile));
        } else {
            let text = format!("The profile is one of {}: do not claim it here.", profile.kind);
            self.report.error(IssueCode::Invalid, path, text);
        }
    }

    /// Judges an element by the definitions that speak of it, and what is below.
    pub(super) fn element(&mut self, at: At<'a>, mut asks: Vec<Ask<'a>>, path: &Path<'_>) {
        if self.report.is_full() || !self.spend(asks.len() + 1, path) {
            return;
        }
        if let Some(own) = builtin::of_structure(at.number) {
            add(&mut asks, Ask::root(own));
        }
        let mut asked = Vec::new();
        let mut place = 0;
        while let Some(ask) = asks.get(place).copied() {
            place += 1;
            if place > PROFILES_NESTED_MAX * PROFILES_CLAIMED_MAX {
                self.too_long(path);
                return;
            }
            let Some(node) = ask.node() else { continue };
            if let Some(same) = node.same_as {
                add(&mut asks, Ask { node: same, ..ask });
            }
            self.node(&at, ask, node, path, &mut asks);
            self.invariants(&at, node, &mut asked, path);
        }
        datatypes::check(self, &at, path);
        self.references(&at, &asks, path);
        self.children(&at, &asks, path);
    }

    /// Pays for so many definitions; where nothing is left, that is told once.
    pub(super) fn spend(&mut self, count: usize, path: &Path<'_>) -> bool {
        match self.elements_left.checked_sub(count) {
            Some(left) => self.elements_left = left,
            None => self.too_long(path),
        }
        !self.too_long
    }

    fn too_long(&mut self, path: &Path<'_>) {
        if !self.too_long {
            let text =
                "To judge this by its profiles takes too long: send less at once, or claim fewer.";
            self.report.error(IssueCode::TooCostly, path, text);
        }
        self.too_long = true;
    }

    /// Whether an element meets one of several profiles, without telling what is wrong.
    pub(super) fn meets(&mut self, at: &At<'a>, profile: &'a Profile, path: &Path<'_>) -> bool {
        if self.nested >= PROFILES_NESTED_MAX {
            self.too_long(path);
            return false;
        }
        self.nested += 1;
        // Within a trial nothing but errors counts.
        let before = std::mem::replace(&mut self.report, Report::of(true));
        let (asks, ids) = (vec![Ask::root(profile)], std::mem::take(&mut self.ids));
        if at.is_resource() {
            self.enter(*at, asks, path)
        } else {
            self.element(*at, asks, path)
        }
        let met = !std::mem::replace(&mut self.report, before).has_errors();
        self.ids = ids;
        self.nested -= 1;
        met && !self.too_long
    }
}

/// Adds a definition unless it is there.
pub(super) fn add<'a>(asks: &mut Vec<Ask<'a>>, ask: Ask<'a>) {
    if !asks.iter().any(|other| other.is(&ask)) {
        asks.push(ask);
    }
}
