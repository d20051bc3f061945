//! What tells the slices of an element apart: each discriminator, with what the slice's own
//! definition says it must yield. <https://hl7.org/fhir/R4/profiling.html#discriminator>

use canonical_model::Value;
use canonical_model::json::Text;

use super::compile::last;
use super::model::{Asks, NodeId, Profile, Step, Strength, Test, Wanted};

/// Gives every slice its tests.
pub(super) fn attach(profile: &mut Profile, elements: &[Value]) {
    for (n, element) in elements.iter().enumerate() {
        let Some(slicing) = profile.nodes.get(n).and_then(|node| node.slicing.as_ref()) else {
            continue;
        };
        let name = profile.nodes.get(n).map(|node| node.name.clone()).unwrap_or_default();
        let written = element.get("slicing").and_then(|it| it.get("discriminator"));
        let mut discriminators: Vec<Discriminator> =
            written.map_or(&[][..], Value::items).iter().map(Discriminator::read).collect();
        if discriminators.is_empty() {
            discriminators.extend(implied(&name, element));
        }
        let found: Vec<Option<Vec<Test>>> = slicing
            .slices
            .iter()
            .map(|slice| tests(profile, slice.node, &discriminators))
            .collect();
        let slicing = profile.nodes.get_mut(n).and_then(|node| node.slicing.as_mut());
        for (slice, tests) in slicing.into_iter().flat_map(|it| &mut it.slices).zip(found) {
            slice.tests = tests;
        }
    }
}

/// A discriminator as it is written.
struct Discriminator {
    kind: Kind,
    /// `None` where it is more than steps down.
    path: Option<Vec<Step>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Value,
    Exists,
    Type,
    Profile,
    Unknown,
}

impl Discriminator {
    fn read(written: &Value) -> Self {
        let part = |name: &str| written.get(name).and_then(Value::as_str).unwrap_or_default();
        let kind = match part("type") {
            // A pattern is found where a fixed value is: what the slice says decides.
            "value" | "pattern" => Kind::Value,
            "exists" => Kind::Exists,
            "type" => Kind::Type,
            "profile" => Kind::Profile,
            _ => Kind::Unknown,
        };
        Self { kind, path: steps(part("path")) }
    }
}

/// Slices without discriminators: extensions are told apart by their URL, choices by their type.
fn implied(name: &str, element: &Value) -> Option<Discriminator> {
    if matches!(name, "extension" | "modifierExtension") {
        return Some(Discriminator {
            kind: Kind::Value,
            path: Some(vec![Step::Child("url".into())]),
        });
    }
    let path = element.get("path").and_then(Value::as_str).unwrap_or_default();
    path.ends_with("[x]").then(|| Discriminator { kind: Kind::Type, path: Some(Vec::new()) })
}

/// The steps of a discriminator's path: names, `resolve()`, `extension('url')`, `ofType(Type)`.
fn steps(path: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = path.trim();
    while !rest.is_empty() {
        let quoted = rest.starts_with("extension(");
        let end = if quoted { rest.find(')').map(|at| at + 1)? } else { part_end(rest) };
        let (part, behind) = rest.split_at_checked(end)?;
        rest = behind.strip_prefix('.').unwrap_or(behind);
        let argument = |name: &str| {
            part.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')').map(|it| it.trim())
        };
        if part == "$this" {
            continue;
        }
        if part == "resolve()" {
            steps.push(Step::Resolve);
        } else if let Some(url) = argument("extension") {
            steps.push(Step::Extension(url.trim_matches(['\'', '"']).into()));
        } else if let Some(kind) = argument("ofType") {
            steps.push(Step::OfType(last_of_name(kind).into()));
        } else if part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && !part.is_empty() {
            steps.push(Step::Child(part.into()));
        } else {
            return None;
        }
    }
    Some(steps)
}

/// Where a step ends: at a point that is in no brackets.
fn part_end(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '.' if depth == 0 => return at,
            _ => {}
        }
    }
    text.len()
}

fn last_of_name(kind: &str) -> &str {
    kind.rsplit('.').next().unwrap_or(kind)
}

/// The tests of one slice, or nothing where one of the discriminators cannot be told.
fn tests(profile: &Profile, slice: NodeId, discriminators: &[Discriminator]) -> Option<Vec<Test>> {
    if discriminators.is_empty() {
        return None;
    }
    discriminators
        .iter()
        .map(|each| {
            let path = each.path.as_deref()?;
            match each.kind {
                Kind::Value => value(profile, slice, path, 0),
                Kind::Exists => exists(profile, slice, path),
                Kind::Type => types(profile, slice, path),
                Kind::Profile => profiles(profile, slice, path),
                Kind::Unknown => None,
            }
        })
        .collect()
}

/// What the value at a path must be: as the first definition on the way there says that says anything.
fn value(profile: &Profile, at: NodeId, path: &[Step], done: usize) -> Option<Test> {
    let node = profile.node(at)?;
    let found = |asks| Some(Test { path: path.get(..done)?.to_vec(), asks });
    match &node.value {
        Some(Wanted::Fixed(value)) => return found(Asks::Fixed(value.clone())),
        Some(Wanted::Pattern(value)) => return found(Asks::Pattern(value.clone())),
        None => {}
    }
    let Some(step) = path.get(done) else {
        let bound = node.binding.as_ref().filter(|it| it.strength == Strength::Required)?;
        return found(Asks::Bound(bound.value_set.clone()));
    };
    let in_children = match step {
        Step::Child(name) => {
            profile.child(at, name).and_then(|(child, _)| value(profile, child, path, done + 1))
        }
        Step::OfType(_) => value(profile, at, path, done + 1),
        Step::Extension(_) | Step::Resolve => None,
    };
    if *step == Step::Resolve {
        // What the target's profile says is what tells it apart.
        let urls: Vec<Text> = node.types.iter().flat_map(|it| it.targets.clone()).collect();
        let path = path.get(..=done)?.to_vec();
        return (!urls.is_empty()).then(|| Test { path, asks: Asks::Profiles(urls) });
    }
    in_children.or_else(|| in_slices(profile, at, path, done)).or_else(|| {
        let [one] = node.types.as_slice() else { return None };
        let [url] = one.profiles.as_slice() else { return None };
        let is_url = one.code == "Extension" && *step == Step::Child("url".into());
        is_url.then(|| Test { path: path.to_vec(), asks: Asks::Fixed(Value::from(url.as_str())) })
    })
}

/// Where the element itself says nothing, one of its own slices that must be there may.
fn in_slices(profile: &Profile, at: NodeId, path: &[Step], done: usize) -> Option<Test> {
    let slicing = profile.node(at)?.slicing.as_ref()?;
    slicing.slices.iter().find_map(|slice| {
        let needed = profile.node(slice.node).is_some_and(|node| node.min > 0);
        if needed { value(profile, slice.node, path, done) } else { None }
    })
}

/// The node at the end of a path, and whether the last step there was `resolve()`.
fn end(profile: &Profile, from: NodeId, path: &[Step]) -> Option<(NodeId, bool)> {
    path.iter().try_fold((from, false), |(at, _), step| match step {
        Step::Child(name) => Some((profile.child(at, name)?.0, false)),
        Step::OfType(_) => Some((at, false)),
        Step::Resolve => Some((at, true)),
        Step::Extension(url) => {
            let slicing = profile.child(at, "extension")?.1.slicing.as_ref()?;
            let named = |node: NodeId| {
                let types = profile.node(node).map_or(&[][..], |it| &it.types);
                types.iter().any(|it| it.profiles.contains(url))
            };
            Some((slicing.slices.iter().find(|it| named(it.node))?.node, false))
        }
    })
}

fn exists(profile: &Profile, slice: NodeId, path: &[Step]) -> Option<Test> {
    let node = profile.node(end(profile, slice, path)?.0)?;
    let asks = match (node.min, node.max) {
        (_, Some(0)) => Asks::Exists(false),
        (1.., _) => Asks::Exists(true),
        _ => return None,
    };
    Some(Test { path: path.to_vec(), asks })
}

fn types(profile: &Profile, slice: NodeId, path: &[Step]) -> Option<Test> {
    let (node, resolved) = end(profile, slice, path)?;
    let node = profile.node(node)?;
    let names: Vec<Text> = if resolved {
        node.types.iter().flat_map(|it| &it.targets).map(|url| last(url).into()).collect()
    } else {
        node.types.iter().map(|it| it.code.clone()).collect()
    };
    (!names.is_empty()).then(|| Test { path: path.to_vec(), asks: Asks::Types(names) })
}

fn profiles(profile: &Profile, slice: NodeId, path: &[Step]) -> Option<Test> {
    let (node, resolved) = end(profile, slice, path)?;
    let node = profile.node(node)?;
    let of_type = |it: &super::model::TypeRef| {
        if resolved { it.targets.clone() } else { it.profiles.clone() }
    };
    let urls: Vec<Text> = node.types.iter().flat_map(of_type).collect();
    (!urls.is_empty()).then(|| Test { path: path.to_vec(), asks: Asks::Profiles(urls) })
}
