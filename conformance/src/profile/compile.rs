//! Makes a profile of a StructureDefinition with a snapshot. One path for those that the build
//! embeds and those that are installed at run time. <https://hl7.org/fhir/R4/structuredefinition.html>

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use canonical_model::fhirpath::Path;
use canonical_model::json::{Object, Text};
use canonical_model::{Error, ResourceType, Result, Value};

use super::model::{
    Binding, Context, Invariant, Node, NodeId, Profile, Rules, Slice, Slicing, Strength, TypeRef,
    Wanted,
};
use super::native::NATIVE;
use super::{discriminate, snapshot};
use crate::Registry;
use crate::limits::{
    INVARIANT_TEXT_BYTES_MAX, PROFILE_DEPTH_MAX, PROFILE_ELEMENTS_MAX, PROFILE_INVARIANTS_MAX,
    PROFILE_PATTERNS_MAX,
};

/// The largest value set that an extensible binding leaves room for.
const MAX_VALUE_SET: &str = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet";

impl Profile {
    /// Compiles a StructureDefinition.
    ///
    /// # Errors
    /// 422 where it has no snapshot, and is no differential to R4's own, is of a type that R4 does not know, over a limit, or no tree. An
    /// invariant that cannot be read is no error: whoever is validated is told that it was not checked.
    pub fn compile(definition: &Value) -> Result<Self> {
        let text = |name: &str| definition.get(name).and_then(Value::as_str);
        let url = text("url").ok_or_else(|| refuse("url", "A profile needs its canonical URL."))?;
        let kind = text("type").map(last).unwrap_or_default();
        if Registry::r4().structure(kind).is_none() {
            return Err(refuse("type", "Name a type of FHIR R4."));
        }
        let elements = snapshot::elements(definition).map_err(|why| refuse("snapshot", why))?;
        if elements.len() > PROFILE_ELEMENTS_MAX {
            let text = format!("A snapshot has at most {PROFILE_ELEMENTS_MAX} elements.");
            return Err(refuse("snapshot.element", &text));
        }
        let patterns = elements.iter().map(patterns).sum::<usize>();
        if patterns > PROFILE_PATTERNS_MAX {
            let text = format!(
                "The invariants of a profile have at most {PROFILE_PATTERNS_MAX} patterns."
            );
            return Err(refuse("snapshot.element", &text));
        }
        let mut tree = Tree { kind, nodes: Vec::new(), places: HashMap::new(), invariants: 0 };
        for (n, element) in elements.iter().enumerate() {
            tree.add(element).map_err(|why| refuse(&format!("snapshot.element[{n}]"), why))?;
        }
        let mut profile = Self {
            url: bare(url).into(),
            kind: kind.into(),
            narrows: text("derivation") == Some("constraint"),
            contexts: contexts(definition),
            nodes: tree.nodes,
        };
        tree_of_same(&mut profile, &elements, &tree.places);
        discriminate::attach(&mut profile, &elements);
        Ok(profile)
    }
}

/// Patterns in the invariants of an element: each takes memory for as long as the profile is known.
fn patterns(element: &Value) -> usize {
    let rules = element.get("constraint").map_or(&[][..], Value::items);
    let texts = rules.iter().filter_map(|rule| rule.get("expression")?.as_str());
    texts.map(|text| text.matches("atches").count()).sum()
}

fn refuse(at: &str, text: &str) -> Error {
    Error::unprocessable(text).at(&format!("StructureDefinition.{at}"))
}

/// The nodes as they are read.
struct Tree<'a> {
    kind: &'a str,
    nodes: Vec<Node>,
    /// By the element's id.
    places: HashMap<&'a str, NodeId>,
    invariants: usize,
}

impl<'a> Tree<'a> {
    fn add(&mut self, element: &'a Value) -> Result<(), &'static str> {
        let object = element.as_object().ok_or("An element definition is an object.")?;
        let id = text(object, "id").ok_or("An element of a snapshot needs its id.")?;
        let place = NodeId::try_from(self.nodes.len()).map_err(|_| "Too many elements.")?;
        let path = text(object, "path").unwrap_or_default();
        if id.split('.').count() > PROFILE_DEPTH_MAX {
            return Err("The snapshot is nested too deeply.");
        }
        if self.places.insert(id, place).is_some() {
            return Err("Two elements have this id.");
        }
        let mut node = node(object)?;
        let name = path.rsplit('.').next().unwrap_or(path);
        node.name = name.strip_suffix("[x]").unwrap_or(name).into();
        node.invariants = self.read_invariants(object, path)?;
        self.nodes.push(node);
        self.link(id, place)
    }

    /// Hangs a node on its parent, or a slice on what it is a slice of.
    fn link(&mut self, id: &str, place: NodeId) -> Result<(), &'static str> {
        let (parent, last) = match id.rsplit_once('.') {
            Some((parent, last)) => (Some(parent), last),
            None => (None, id),
        };
        if let Some((_, slice)) = last.split_once(':') {
            let whole = id.strip_suffix(slice).and_then(|it| it.strip_suffix(':'));
            let whole = whole.and_then(|it| self.places.get(it)).copied();
            // `a/b` is a slice of the slice `a`: it stands beside it, and its own tests tell them apart.
            let whole = whole.and_then(|it| self.nodes.get_mut(usize::try_from(it).ok()?));
            // Some profiles of R4 name the only element there is, as if it were a slice.
            if let Some(whole) = whole {
                let name = slice.into();
                let open = || Slicing { rules: Rules::Open, ordered: false, slices: Vec::new() };
                let slicing = whole.slicing.get_or_insert_with(open);
                slicing.slices.push(Slice { name, node: place, tests: None });
                return Ok(());
            }
        }
        let Some(parent) = parent else {
            return if place == 0 { Ok(()) } else { Err("Only the first element is the root.") };
        };
        let parent = self.places.get(parent).and_then(|it| usize::try_from(*it).ok());
        let parent = parent.and_then(|it| self.nodes.get_mut(it));
        parent.ok_or("An element stands behind its parent.")?.children.push(place);
        Ok(())
    }

    fn read_invariants(
        &mut self,
        element: &Object,
        path: &str,
    ) -> Result<Vec<Invariant>, &'static str> {
        let mut list = Vec::new();
        for each in items(element, "constraint") {
            let part = |name: &str| each.get(name).and_then(Value::as_str);
            let key = part("key").unwrap_or("?");
            let Some(expression) = part("expression") else { continue };
            if NATIVE.contains(&key) {
                continue;
            }
            self.invariants += 1;
            if self.invariants > PROFILE_INVARIANTS_MAX {
                return Err("The snapshot has too many invariants.");
            }
            let mut identity = DefaultHasher::new();
            (key, expression).hash(&mut identity);
            list.push(Invariant {
                identity: identity.finish(),
                key: short(key).into(),
                human: short(part("human").unwrap_or("this rule holds")).into(),
                is_error: part("severity") != Some("warning"),
                rule: compile_rule(expression, self.kind, element, path),
            });
        }
        Ok(list)
    }
}

/// The rule for the types that the element can have.
fn compile_rule(expression: &str, kind: &str, element: &Object, path: &str) -> Option<Path> {
    let registry = Registry::r4();
    let kinds = kinds(kind, element, path);
    let resource = if ResourceType::find(kind).is_some() { kind } else { "Resource" };
    Path::compile_invariant(expression, &kinds, resource, registry).ok()
}

/// The types of what is found at an element, as FHIRPath names them.
fn kinds(kind: &str, element: &Object, path: &str) -> Vec<Text> {
    let registry = Registry::r4();
    if !path.contains('.') {
        return vec![kind.into()];
    }
    if let Some((_, same)) = text(element, "contentReference").and_then(|it| it.split_once('#')) {
        return vec![same.into()];
    }
    let written = items(element, "type").iter().filter_map(|it| it.get("code")?.as_str());
    let written: Vec<&str> = written.map(last).collect();
    let backbone = written.iter().any(|it| matches!(*it, "BackboneElement" | "Element"));
    if (backbone || written.is_empty())
        && let Some(known) = registry.structure(path)
    {
        return vec![known.path.into()];
    }
    written.into_iter().map(super::fhir_type).map(Text::from).collect()
}

fn node(element: &Object) -> Result<Node, &'static str> {
    let max = match text(element, "max") {
        None | Some("*") => None,
        Some(most) => Some(most.parse().map_err(|_| "max is a number or *.")?),
    };
    let number = |name| element.get(name).and_then(Value::as_number).and_then(|it| it.to_i64());
    let flag = |name| element.get(name).and_then(Value::as_bool).unwrap_or(false);
    Ok(Node {
        min: number("min").and_then(|min| u32::try_from(min).ok()).unwrap_or(0),
        max,
        types: items(element, "type").iter().filter_map(type_ref).collect(),
        value: wanted(element),
        max_length: number("maxLength").and_then(|most| usize::try_from(most).ok()),
        binding: element.get("binding").and_then(binding),
        modifier: flag("isModifier"),
        slicing: element.get("slicing").map(slicing),
        ..Node::default()
    })
}

fn wanted(element: &Object) -> Option<Wanted> {
    element.iter().find_map(|(name, value)| {
        if is_choice(name, "fixed") {
            Some(Wanted::Fixed(value.clone()))
        } else if is_choice(name, "pattern") {
            Some(Wanted::Pattern(value.clone()))
        } else {
            None
        }
    })
}

/// `fixedCode` of `fixed`.
fn is_choice(name: &str, stem: &str) -> bool {
    name.strip_prefix(stem).is_some_and(|kind| kind.starts_with(|c: char| c.is_ascii_uppercase()))
}

fn type_ref(written: &Value) -> Option<TypeRef> {
    let list = |name: &str| {
        let urls = written.get(name).map_or(&[][..], Value::items).iter();
        urls.filter_map(|it| it.as_str().map(bare).map(Text::from)).collect()
    };
    let code = super::fhir_type(last(written.get("code")?.as_str()?)).into();
    Some(TypeRef { code, profiles: list("profile"), targets: list("targetProfile") })
}

fn binding(written: &Value) -> Option<Binding> {
    let strength = match written.get("strength")?.as_str()? {
        "required" => Strength::Required,
        "extensible" => Strength::Extensible,
        "preferred" => Strength::Preferred,
        _ => return None,
    };
    let largest = written.get("extension").map_or(&[][..], Value::items).iter().find_map(|it| {
        let is_it = it.get("url").and_then(Value::as_str) == Some(MAX_VALUE_SET);
        let named = it.get("valueCanonical").or_else(|| it.get("valueUri"));
        named.filter(|_| is_it)?.as_str().map(bare).map(Text::from)
    });
    let value_set = bare(written.get("valueSet")?.as_str()?).into();
    Some(Binding { strength, value_set, largest })
}

fn slicing(written: &Value) -> Slicing {
    let rules = match written.get("rules").and_then(Value::as_str) {
        Some("closed") => Rules::Closed,
        Some("openAtEnd") => Rules::OpenAtEnd,
        _ => Rules::Open,
    };
    let ordered = written.get("ordered").and_then(Value::as_bool).unwrap_or(false);
    Slicing { rules, ordered, slices: Vec::new() }
}

fn contexts(definition: &Value) -> Vec<Context> {
    let written = definition.get("context").map_or(&[][..], Value::items).iter();
    let read = written.filter_map(|it| {
        let expression = it.get("expression")?.as_str()?;
        Some(match it.get("type")?.as_str()? {
            "element" => Context::Element(expression.into()),
            "extension" => Context::Extension(expression.into()),
            _ => Context::Path,
        })
    });
    read.collect()
}

/// Tells nodes with a `contentReference` whose children they have.
fn tree_of_same(profile: &mut Profile, elements: &[Value], places: &HashMap<&str, NodeId>) {
    for (node, element) in profile.nodes.iter_mut().zip(elements) {
        let written = element.get("contentReference").and_then(Value::as_str);
        let id = written.and_then(|it| it.split_once('#')).map(|(_, id)| id);
        node.same_as = id.and_then(|id| places.get(id)).copied();
    }
}

fn text<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str)
}

fn items<'a>(object: &'a Object, name: &str) -> &'a [Value] {
    object.get(name).map_or(&[], Value::items)
}

/// A canonical URL without its version.
pub(super) fn bare(canonical: &str) -> &str {
    canonical.split('|').next().unwrap_or(canonical)
}

/// `Patient` of `http://hl7.org/fhir/StructureDefinition/Patient`.
pub(super) fn last(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

/// So much of a text as an answer may repeat.
fn short(text: &str) -> &str {
    let mut end = text.len().min(INVARIANT_TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}
