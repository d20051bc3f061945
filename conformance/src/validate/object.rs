//! The walk itself: resources, their elements, and what an element's value must look like.

use std::collections::HashSet;

use canonical_model::json::Object;
use canonical_model::limits::JSON_DEPTH_MAX;
use canonical_model::{IssueCode, ResourceType, Value};

use super::Walk;
use super::path::Path;
use super::primitive;
use super::reference::{self, Literal};
use crate::index::{Element, Key, Shape, Structure};
use crate::limits::{CODES_LISTED_MAX, CONTAINED_MAX};

/// What surrounds the element at hand.
#[derive(Clone, Copy, Default)]
pub(super) struct Scope<'a> {
    /// The ids of the contained resources that local references mean; none where a lone value is checked.
    contained: Option<&'a HashSet<&'a str>>,
    /// Inside `contained`.
    nested: bool,
    /// Inside an entry of a bundle, where a reference may be a search.
    in_bundle: bool,
}

/// One member of an object, with its definition.
#[derive(Clone, Copy)]
struct Member<'a> {
    owner: &'a Object,
    key: &'static Key,
    element: &'static Element,
    structure: &'static Structure,
    scope: Scope<'a>,
}

impl Walk {
    /// Checks any resource.
    pub(super) fn resource(&mut self, value: &Value, path: &Path<'_>, around: Scope<'_>) {
        let Some(object) = value.as_object() else {
            self.report.fault(IssueCode::Structure, path, "A resource is a JSON object.");
            return;
        };
        let name = object.get("resourceType").and_then(Value::as_str);
        let kind = name.and_then(ResourceType::find);
        let Some(structure) = kind.and_then(|kind| self.registry.resource(kind)) else {
            let text = "Name a resource type of FHIR R4 in resourceType.";
            self.report.fault(IssueCode::Structure, path, text);
            return;
        };
        let ids: HashSet<&str>;
        let mut scope = around;
        if !scope.nested {
            let contained = object.get("contained").map_or(&[][..], Value::items);
            if contained.len() > CONTAINED_MAX {
                let text = "A resource contains 1000 others at most: store the rest by themselves.";
                return self.report.fault(IssueCode::TooLong, &path.child("contained"), text);
            }
            ids = contained.iter().filter_map(|it| it.get("id")?.as_str()).collect();
            scope.contained = Some(&ids);
        }
        scope.in_bundle |= kind == Some(ResourceType::BUNDLE);
        self.object(structure, object, path, scope);
    }

    /// Checks a value that stands alone.
    pub(super) fn lone(&mut self, structure: &'static Structure, value: &Value, path: &Path<'_>) {
        match (structure.shape, value) {
            (Shape::Primitive(primitive), _) => {
                if let Err((code, text)) = primitive::check(primitive, value) {
                    self.report.fault(code, path, text);
                }
            }
            (Shape::Resource | Shape::Abstract, _) => self.resource(value, path, Scope::default()),
            (_, Value::Object(object)) => self.object(structure, object, path, Scope::default()),
            _ => self.report.fault(IssueCode::Structure, path, "Write a JSON object."),
        }
    }

    fn object<'a>(
        &mut self,
        structure: &'static Structure,
        object: &'a Object,
        path: &Path<'_>,
        scope: Scope<'a>,
    ) {
        if self.report.is_full() || self.is_too_deep(path) {
            return;
        }
        let is_resource = structure.shape == Shape::Resource;
        let mut seen = 0_u64;
        for (text, value) in object.iter() {
            if is_resource && text == "resourceType" {
                continue;
            }
            let (name, extra) = text.strip_prefix('_').map_or((text, false), |name| (name, true));
            let Some((key, element, kind)) = self.look_up(structure, name, extra) else {
                self.unknown(structure, text, path);
                continue;
            };
            let bit = 1 << key.element;
            let here = path.child(element.name);
            if element.choice && seen & bit != 0 && has_other_type(structure, object, key) {
                let text = "Only one type of this choice may be given: leave the others out.";
                self.report.fault(IssueCode::Structure, &here, text);
            }
            seen |= bit;
            if matches!(value, Value::Array(_)) && self.is_too_deep(&here) {
                continue;
            }
            let member = Member { owner: object, key, element, structure: kind, scope };
            if extra {
                self.extra(member, value, here);
            } else {
                self.member(member, value, here);
            }
        }
        self.complete(structure, seen, path);
    }

    /// Whether the JSON reader would refuse the resource when it is read back.
    fn is_too_deep(&mut self, path: &Path<'_>) -> bool {
        let deep = path.depth > JSON_DEPTH_MAX;
        if deep {
            self.report.fault(IssueCode::TooLong, path, "Nest the content less deeply.");
        }
        deep
    }

    fn look_up(
        &self,
        structure: &'static Structure,
        name: &str,
        extra: bool,
    ) -> Option<(&'static Key, &'static Element, &'static Structure)> {
        let key = structure.key(name)?;
        let kind = self.registry.at(key.structure)?;
        (!extra || kind.is_primitive()).then_some((key, structure.element_of(key)?, kind))
    }

    fn unknown(&mut self, structure: &Structure, key: &str, path: &Path<'_>) {
        let choice = structure.elements.iter().any(|it| it.choice && it.name == key);
        let text = if choice {
            format!("{}.{key} needs its type in its name, as valueString does.", structure.path)
        } else {
            format!("{} has no such element: remove it or correct its name.", structure.path)
        };
        self.report.fault(IssueCode::Structure, &path.unknown(key), text);
    }

    /// What must be there, once all that is there has been seen.
    fn complete(&mut self, structure: &Structure, seen: u64, path: &Path<'_>) {
        let missing = structure.required & !seen;
        if missing != 0 {
            for (place, element) in structure.elements.iter().enumerate() {
                if missing >> place & 1 == 1 {
                    let text = format!("{}.{} is required.", structure.path, element.name);
                    self.report.fault(IssueCode::Required, &path.child(element.name), text);
                }
            }
        }
        if structure.shape == Shape::Resource || structure.is_primitive() {
            return;
        }
        let has = |name| {
            let place = structure.elements.iter().position(|element| element.name == name);
            place.is_some_and(|place| seen >> place & 1 == 1)
        };
        if seen == 0 || (seen.count_ones() == 1 && has("id")) {
            let text =
                "An element has a value or children besides its id: leave it out or fill it.";
            self.report.fault(IssueCode::Invariant, path, text);
        } else if structure.path == "Extension" && has("value") == has("extension") {
            let text = "An extension has either value[x] or extensions, and not both.";
            self.report.fault(IssueCode::Invariant, path, text);
        }
    }

    fn member(&mut self, member: Member<'_>, value: &Value, path: Path<'_>) {
        match (member.element.many, value) {
            (true, Value::Array(items)) if items.is_empty() => self.empty_list(&path),
            (true, Value::Array(items)) => {
                for (n, item) in items.iter().enumerate() {
                    let here = path.item(n);
                    match item {
                        Value::Null if member.structure.is_primitive() => {
                            self.null_in_list(&member, n, &here);
                        }
                        _ => self.one(member, item, here),
                    }
                }
            }
            (true, _) => self.report.fault(IssueCode::Structure, &path, LIST),
            (false, Value::Array(_)) => self.report.fault(IssueCode::Structure, &path, NO_LIST),
            (false, _) => self.one(member, value, path),
        }
    }

    fn one(&mut self, member: Member<'_>, value: &Value, path: Path<'_>) {
        let Shape::Primitive(primitive) = member.structure.shape else {
            return self.complex(member, value, &path);
        };
        if *value == Value::Null {
            return self.report.fault(IssueCode::Structure, &path, NULL);
        }
        match primitive::check(primitive, value) {
            Err((code, text)) => self.report.fault(code, &path, text),
            Ok(()) => self.enumerated(member.element, value, &path),
        }
    }

    fn enumerated(&mut self, element: &Element, value: &Value, path: &Path<'_>) {
        let (Some(set), Some(code)) = (self.registry.codes(element), value.as_str()) else {
            return;
        };
        if set.codes.binary_search(&code).is_ok() {
            return;
        }
        let text = if set.codes.len() <= CODES_LISTED_MAX {
            format!("Use one of the codes {}.", set.codes.join(", "))
        } else {
            format!("Use a code of {}.", set.url)
        };
        self.report.fault(IssueCode::CodeInvalid, path, text);
    }

    fn complex(&mut self, member: Member<'_>, value: &Value, path: &Path<'_>) {
        if self.registry.is_any_resource(member.key.structure) {
            return self.inner_resource(member, value, path);
        }
        let Value::Object(object) = value else {
            return self.report.fault(IssueCode::Structure, path, "Write a JSON object.");
        };
        self.object(member.structure, object, path, member.scope);
        if self.registry.is_reference(member.key.structure)
            && let Some(Value::String(text)) = object.get("reference")
        {
            self.reference(text, member.scope, &path.child("reference"));
        }
    }

    fn inner_resource(&mut self, member: Member<'_>, value: &Value, path: &Path<'_>) {
        let contained = member.element.name == "contained";
        if contained && member.scope.nested {
            let text = "A contained resource contains none: move it to the outer resource.";
            return self.report.fault(IssueCode::Invariant, path, text);
        }
        self.resource(value, path, Scope { nested: contained, ..member.scope });
    }

    fn reference(&mut self, text: &str, scope: Scope<'_>, path: &Path<'_>) {
        match reference::read(text) {
            None => self.report.fault(IssueCode::Value, path, REFERENCE),
            Some(Literal::Search) if !scope.in_bundle => {
                self.report.fault(IssueCode::Value, path, SEARCH);
            }
            Some(Literal::Local(id)) => {
                // `#` alone is the container itself.
                let is_absent = |ids: &HashSet<&str>| !id.is_empty() && !ids.contains(id);
                if scope.contained.is_some_and(is_absent) {
                    self.report.fault(IssueCode::NotFound, path, LOCAL);
                }
            }
            Some(Literal::Relative | Literal::Search | Literal::Absolute) => {}
        }
    }

    /// `_birthDate`: the id and extensions of a primitive.
    fn extra(&mut self, member: Member<'_>, value: &Value, path: Path<'_>) {
        let partner = member.owner.get(member.key.name);
        match (member.element.many, value) {
            (true, Value::Array(items)) if items.is_empty() => self.empty_list(&path),
            (true, Value::Array(items)) => {
                let partners = partner.and_then(Value::as_array);
                if partners.is_some_and(|partners| partners.len() != items.len()) {
                    let text = "The list of values and its list with _ must be equally long: fill up with null.";
                    self.report.fault(IssueCode::Structure, &path, text);
                }
                for (n, item) in items.iter().enumerate() {
                    let partner = partners.and_then(|partners| partners.get(n));
                    self.one_extra(member, item, partner, path.item(n));
                }
            }
            (true, _) => self.report.fault(IssueCode::Structure, &path, LIST),
            (false, Value::Array(_)) => self.report.fault(IssueCode::Structure, &path, NO_LIST),
            (false, Value::Null) => self.report.fault(IssueCode::Structure, &path, NULL),
            (false, _) => self.one_extra(member, value, partner, path),
        }
    }

    fn one_extra(
        &mut self,
        member: Member<'_>,
        value: &Value,
        partner: Option<&Value>,
        path: Path<'_>,
    ) {
        let has_value = partner.is_some_and(|partner| *partner != Value::Null);
        match value {
            Value::Null if has_value => {}
            Value::Null => self.report.fault(IssueCode::Structure, &path, LONE_NULL),
            Value::Object(object) => {
                self.object(member.structure, object, &path, member.scope);
                if object.is_empty() || (!has_value && object.get("extension").is_none()) {
                    let text = "A primitive has a value or an extension: leave it out or fill it.";
                    self.report.fault(IssueCode::Invariant, &path, text);
                }
            }
            _ => self.report.fault(IssueCode::Structure, &path, "Write a JSON object."),
        }
    }

    fn null_in_list(&mut self, member: &Member<'_>, n: usize, path: &Path<'_>) {
        let same = |text: &str| text.strip_prefix('_') == Some(member.key.name);
        let extras = member.owner.iter().find(|(text, _)| same(text));
        let extra = extras.and_then(|(_, extras)| extras.as_array()?.get(n));
        if extra.is_none_or(|extra| *extra == Value::Null) {
            self.report.fault(IssueCode::Structure, path, LONE_NULL);
        }
    }

    fn empty_list(&mut self, path: &Path<'_>) {
        self.report.fault(IssueCode::Structure, path, "A list is never empty: leave it out.");
    }
}

const LIST: &str = "This element may repeat: put its value in a list, in [ ].";
const NO_LIST: &str = "This element does not repeat: write its value without [ ].";
const NULL: &str = "null is not a value: leave the element out.";
const LONE_NULL: &str = "null may only fill a place whose partner, with or without _, is filled.";
const REFERENCE: &str = "Write a reference as Type/id, as an absolute http(s) URL, as urn:uuid: or urn:oid:, or as #id.";
const SEARCH: &str = "A reference that searches is resolved in a transaction only: write Type/id.";
const LOCAL: &str =
    "No contained resource has this id: add it to contained or correct the reference.";

/// Whether another type of the same choice is there too.
fn has_other_type(structure: &Structure, object: &Object, key: &Key) -> bool {
    let keys =
        object.iter().filter_map(|(text, _)| structure.key(text.strip_prefix('_').unwrap_or(text)));
    keys.into_iter().any(|other| other.element == key.element && other.name != key.name)
}
