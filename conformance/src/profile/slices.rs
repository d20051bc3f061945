//! Which items are in which slices, and whether the slices allow that.
//! <https://hl7.org/fhir/R4/profiling.html#slicing>

use canonical_model::{IssueCode, Value};

use super::bindings::codes;
use super::cardinality::miscounted;
use super::children::{Item, named};
use super::element::of;
use super::model::{Asks, NodeId, Rules, Slice, Slicing, Step, Test};
use super::terms::Verdict;
use super::values::has;
use super::walk::{Ask, At, Walk};
use crate::Registry;
use crate::validate::Path;

/// The slice for what is in no other.
const DEFAULT: &str = "@default";

impl<'a> Walk<'a> {
    /// The slices of each item, by their nodes. Their numbers and order are judged here.
    pub(super) fn slices(
        &mut self,
        items: &[Item<'a>],
        ask: Ask<'a>,
        slicing: &'a Slicing,
        path: &Path<'_>,
    ) -> Vec<Vec<NodeId>> {
        let mut all_told = true;
        let own = slicing.slices.iter().filter(|slice| slice.name != DEFAULT);
        for slice in own.clone().filter(|slice| slice.tests.is_none()) {
            all_told = false;
            let text = format!(
                "The slice {} was not checked: its definition does not say what is in it{}.",
                slice.name,
                of(ask.profile)
            );
            self.report.unjudged(path, text);
        }
        let mut found = Vec::with_capacity(items.len());
        for item in items {
            let here = item.index.map_or(*path, |index| path.item(index));
            found.push(self.slices_of(&item.at, slicing, &here));
        }
        let places: Vec<Vec<NodeId>> =
            found.iter().map(|slices| slices.iter().map(|it| it.node).collect()).collect();
        if all_told {
            self.order(items, &found, ask, slicing, path);
        }
        for slice in own.filter(|slice| slice.tests.is_some()) {
            let count = places.iter().filter(|it| it.contains(&slice.node)).count();
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            let Some(node) = ask.profile.node(slice.node) else { continue };
            let what = format!("the slice {}", slice.name);
            if let Some((code, text)) = miscounted(count, node, ask.profile, &what) {
                self.report.error(code, path, text);
            }
        }
        places
    }

    /// The slice of an item, and the slices within that slice.
    fn slices_of(&mut self, at: &At<'a>, slicing: &'a Slicing, path: &Path<'_>) -> Vec<&'a Slice> {
        let mut found: Vec<&'a Slice> = Vec::new();
        for slice in &slicing.slices {
            let inner = found.iter().any(|outer| is_within(slice, outer));
            if !found.is_empty() && !inner {
                continue;
            }
            let Some(tests) = &slice.tests else { continue };
            if slice.name != DEFAULT && tests.iter().all(|test| self.passes(at, test, path)) {
                found.push(slice);
            }
        }
        if found.is_empty() {
            found.extend(slicing.slices.iter().find(|slice| slice.name == DEFAULT));
        }
        found
    }

    /// Closed and ordered slicing.
    fn order(
        &mut self,
        items: &[Item<'a>],
        found: &[Vec<&'a Slice>],
        ask: Ask<'a>,
        slicing: &'a Slicing,
        path: &Path<'_>,
    ) {
        let (mut last, mut open) = (0, false);
        for (item, slices) in items.iter().zip(found) {
            let here = item.index.map_or(*path, |index| path.item(index));
            let place = slices.first().and_then(|first| {
                slicing.slices.iter().position(|slice| std::ptr::eq(slice, *first))
            });
            let of = of(ask.profile);
            match place {
                None if slicing.rules == Rules::Closed => {
                    let names: Vec<&str> =
                        slicing.slices.iter().map(|it| it.name.as_str()).collect();
                    let text = format!("Only the slices {} may be here{of}.", names.join(", "));
                    self.report.error(IssueCode::Structure, &here, text);
                }
                None => open = true,
                Some(_) if open && slicing.rules == Rules::OpenAtEnd => {
                    let text = format!("Put what is in no slice behind all that is{of}.");
                    self.report.error(IssueCode::Structure, &here, text);
                }
                Some(place) if slicing.ordered && place < last => {
                    let text = format!("Put the slices into the order of the profile{of}.");
                    self.report.error(IssueCode::Structure, &here, text);
                }
                Some(place) => last = place,
            }
        }
    }

    /// Whether a discriminator yields what a slice asks. What nobody can tell is not in it.
    fn passes(&mut self, at: &At<'a>, test: &'a Test, path: &Path<'_>) -> bool {
        if !self.spend(1, path) {
            return false;
        }
        if let (Asks::Types(names), Some((Step::Resolve, before))) =
            (&test.asks, test.path.split_last())
        {
            let sources = self.reach(at, before);
            let kinds = sources.iter().filter_map(|source| self.target_type(source));
            return kinds.into_iter().any(|kind| names.iter().any(|it| it == kind.name()));
        }
        let found = self.reach(at, &test.path);
        match &test.asks {
            Asks::Exists(wanted) => found.is_empty() != *wanted,
            Asks::Fixed(wanted) => found.iter().any(|it| it.value == wanted),
            Asks::Pattern(wanted) => found.iter().any(|it| has(it.value, wanted)),
            Asks::Bound(value_set) => {
                found.iter().flat_map(|it| codes(it).unwrap_or_default()).any(|(system, code)| {
                    self.terminology.check(value_set, system, code) == Verdict::In
                })
            }
            Asks::Types(names) => found.iter().any(|it| {
                let of = |name: &str| Registry::r4().descends_by_name(it.number, name);
                names.iter().any(|name| of(name))
            }),
            Asks::Profiles(urls) => {
                let known: Vec<_> = urls.iter().filter_map(|it| self.profiles.find(it)).collect();
                found.iter().any(|it| known.iter().any(|profile| self.meets(it, profile, path)))
            }
        }
    }

    /// Where the steps of a discriminator lead.
    fn reach(&self, at: &At<'a>, steps: &[Step]) -> Vec<At<'a>> {
        let mut found = vec![*at];
        for step in steps {
            found = match step {
                Step::Child(name) => found.iter().flat_map(|it| named(it, name)).collect(),
                Step::Extension(url) => {
                    let all = found.iter().flat_map(|it| named(it, "extension"));
                    let is_it = |it: &At<'a>| {
                        it.value.get("url").and_then(Value::as_str) == Some(url.as_str())
                    };
                    all.filter(is_it).collect()
                }
                Step::OfType(kind) => {
                    found.retain(|it| Registry::r4().descends_by_name(it.number, kind));
                    found
                }
                Step::Resolve => found.iter().filter_map(|it| self.target(it)).collect(),
            };
        }
        found
    }
}

/// Whether a slice is one within another: `a/b` in `a`.
fn is_within(slice: &Slice, outer: &Slice) -> bool {
    slice.name.strip_prefix(outer.name.as_str()).is_some_and(|rest| rest.starts_with('/'))
}
