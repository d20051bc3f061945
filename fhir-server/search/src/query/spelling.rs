//! Names spelt like a wrong one: what a refusal offers in its place.

use canonical_model::ResourceType;
use conformance::SearchParamKind;

use super::parse::CONTROLS;
use crate::catalogue::{ParamPlan, TypePlan};
use crate::guide::KINDS;

/// Parameters of a type, `; did you mean …?`, or nothing.
pub(super) fn near(plan: &TypePlan, code: &str) -> String {
    let special = ["_include", "_revinclude", "_has", "_filter"];
    offer(code, codes(plan).chain(CONTROLS).chain(special))
}

/// Reference parameters of a type.
pub(super) fn near_reference(plan: &TypePlan, code: &str) -> String {
    let is_reference = |p: &&ParamPlan| p.definition.kind == SearchParamKind::Reference;
    offer(code, plan.params.iter().filter(is_reference).map(|p| &*p.definition.code))
}

/// What a type can be sorted by.
pub(super) fn near_sort(plan: &TypePlan, code: &str) -> String {
    offer(code, codes(plan))
}

/// Resource types.
pub(super) fn near_type(name: &str) -> String {
    offer(name, ResourceType::all().map(ResourceType::name))
}

/// Modifiers that the parameter takes.
pub(super) fn near_modifier(param: &ParamPlan, modifier: &str) -> String {
    let kind = param.definition.kind;
    let of_kind = KINDS.iter().filter(|row| row.kind == kind).flat_map(|row| row.modifiers);
    let named = of_kind.filter_map(|row| row.name.strip_prefix(':'));
    let is_target = |target: &ResourceType| {
        kind == SearchParamKind::Reference
            && (param.targets.is_empty() || param.targets.contains(target))
    };
    let targets = ResourceType::all().filter(is_target).map(ResourceType::name);
    offer(modifier, named.chain(["missing"]).chain(targets))
}

fn codes(plan: &TypePlan) -> impl Iterator<Item = &str> {
    plan.params.iter().map(|p| &*p.definition.code)
}

/// The nearest of these names as `; did you mean …?`, or nothing.
#[must_use]
pub fn offer<'n>(wrong: &str, names: impl Iterator<Item = &'n str>) -> String {
    // Of a name of two letters every other one is two letters away.
    let most = 2.min(wrong.len().div_ceil(2).max(2) - 1);
    // What was said itself is known, but not here.
    let is_near = |(far, _): &(usize, &str)| (1..=most).contains(far);
    let near = names.map(|name| (distance(wrong, name), name)).filter(is_near);
    let mut near: Vec<(usize, &str)> = near.collect();
    near.sort_unstable();
    near.dedup();
    let names: Vec<String> = near.iter().take(3).map(|(_, name)| format!("`{name}`")).collect();
    if names.is_empty() { String::new() } else { format!("; did you mean {}?", names.join(", ")) }
}

/// Levenshtein's distance, for short names.
fn distance(a: &str, b: &str) -> usize {
    if a.len() > 64 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (n, x) in a.chars().enumerate() {
        let mut corner = n;
        let mut left = n + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b.chars()) {
            let here = (corner + usize::from(x != y)).min(left + 1).min(*cell + 1);
            corner = *cell;
            *cell = here;
            left = here;
        }
        if let Some(first) = row.first_mut() {
            *first = n + 1;
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}
