//! Collections as sets: union, intersection, distinct. Each looks at an item once, so that a list of
//! ten thousand members costs ten thousand looks.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::{Machine, Run, TOO_LONG};
use crate::fhirpath::compare::same;
use crate::fhirpath::item::Item;
use crate::fhirpath::plan::Plan;
use crate::json::Value;

/// Up to so many items are compared one by one.
const SCAN_MAX: usize = 8;

impl<'a> Machine<'a> {
    /// Whether one collection holds all of the other.
    pub(super) fn covers(
        &mut self,
        mark: usize,
        arguments: &'a [Plan],
        this: Item<'a>,
        whole: bool,
    ) -> Run<bool> {
        let middle = self.stack.len();
        self.all_arguments(arguments, this)?;
        self.spend_on(mark)?;
        let argument = self.stack.split_off(middle);
        let (large, small) =
            if whole { (self.above(mark), &*argument) } else { (&*argument, self.above(mark)) };
        let mut seen = Seen::default();
        for item in large {
            seen.insert(*item);
        }
        Ok(small.iter().all(|item| seen.holds(item)))
    }

    /// Keeps the items that the argument holds, or those that it does not.
    pub(super) fn sift(
        &mut self,
        mark: usize,
        arguments: &'a [Plan],
        this: Item<'a>,
        wanted: bool,
    ) -> Run {
        let middle = self.stack.len();
        self.all_arguments(arguments, this)?;
        self.spend_on(mark)?;
        let mut seen = Seen::default();
        for item in self.stack.drain(middle..) {
            seen.insert(item);
        }
        let mut items = self.stack.split_off(mark);
        items.retain(|item| seen.holds(item) == wanted);
        self.stack.append(&mut items);
        if wanted { self.drop_repeats(mark) } else { Ok(()) }
    }

    /// Drops the items above the mark that equal an earlier one.
    pub(super) fn drop_repeats(&mut self, mark: usize) -> Run {
        if self.stack.len() - mark < 2 {
            return Ok(());
        }
        self.spend_on(mark)?;
        let mut seen = Seen::default();
        let mut kept = mark;
        for at in mark..self.stack.len() {
            let Some(item) = self.stack.get(at).copied() else { break };
            let earlier = self.stack.get(mark..kept).unwrap_or_default();
            let new = if self.stack.len() - mark <= SCAN_MAX {
                !earlier.iter().any(|other| alike(&item, other))
            } else {
                seen.insert(item)
            };
            if let Some(slot) = self.stack.get_mut(kept).filter(|_| new) {
                *slot = item;
                kept += 1;
            }
        }
        self.stack.truncate(kept);
        Ok(())
    }

    /// Pays for looking into the items above the mark.
    pub(super) fn spend_on(&mut self, mark: usize) -> Run {
        let nodes: usize = self.above(mark).iter().map(|item| nodes(item.value)).sum();
        let steps = u32::try_from(nodes / 8).unwrap_or(u32::MAX);
        match self.steps_left.checked_sub(steps) {
            Some(left) => self.steps_left = left,
            None => return Err(TOO_LONG),
        }
        Ok(())
    }
}

/// Items that were met, by a digest of their values.
#[derive(Default)]
pub(super) struct Seen<'a>(HashMap<u64, Vec<Item<'a>>>);

impl<'a> Seen<'a> {
    /// Whether it is new.
    pub(super) fn insert(&mut self, item: Item<'a>) -> bool {
        let known = self.0.entry(digest_item(&item)).or_default();
        let new = !known.iter().any(|other| alike(&item, other));
        if new {
            known.push(item);
        }
        new
    }

    fn holds(&self, item: &Item<'_>) -> bool {
        let known = self.0.get(&digest_item(item));
        known.is_some_and(|known| known.iter().any(|other| alike(item, other)))
    }
}

/// The same value; of primitives without one, the same extensions.
fn alike(a: &Item<'_>, b: &Item<'_>) -> bool {
    match (a.value, b.value) {
        (Value::Null, Value::Null) => {
            matches!((a.extension, b.extension), (Some(x), Some(y)) if same(x, y))
        }
        (x, y) => std::ptr::eq(x, y) || same(x, y),
    }
}

fn digest_item(item: &Item<'_>) -> u64 {
    match (item.value, item.extension) {
        (Value::Null, Some(partner)) => digest(partner),
        (value, _) => digest(value),
    }
}

/// Equal for values that are [`same`].
fn digest(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    match value {
        Value::Null => {}
        Value::Bool(truth) => truth.hash(&mut hasher),
        Value::Number(number) => (number.to_f64() + 0.0).to_bits().hash(&mut hasher),
        Value::String(text) => text.as_str().hash(&mut hasher),
        Value::Array(items) => items.iter().for_each(|item| digest(item).hash(&mut hasher)),
        Value::Object(object) => {
            let member = |(key, value): (&str, &Value)| {
                let mut hasher = DefaultHasher::new();
                (key, digest(value)).hash(&mut hasher);
                hasher.finish()
            };
            object.iter().map(member).fold(0, u64::wrapping_add).hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// How many values a value is made of.
fn nodes(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(nodes).sum::<usize>() + 1,
        Value::Object(object) => object.iter().map(|(_, value)| nodes(value)).sum::<usize>() + 1,
        _ => 1,
    }
}
