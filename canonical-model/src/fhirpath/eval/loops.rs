//! Functions that look at one item after another: with `$index`, with `$total`, again and again, by keys.

use std::cmp::Ordering;

use super::sets::Seen;
use super::{Machine, Run};
use crate::fhirpath::compare::order_items;
use crate::fhirpath::item::Item;
use crate::fhirpath::plan::Plan;

impl<'a> Machine<'a> {
    /// `where` and `select` that ask for `$index`.
    pub(super) fn each(&mut self, arguments: &'a [Plan], mark: usize, selects: bool) -> Run {
        let Some(plan) = arguments.first() else { return Ok(()) };
        let before = self.index;
        for (index, item) in self.stack.split_off(mark).into_iter().enumerate() {
            self.index = index;
            if selects {
                self.run(plan, item)?;
            } else if self.test(plan, item)? {
                self.stack.push(item);
            }
        }
        self.index = before;
        Ok(())
    }

    /// What the projection leads to, what it leads to from there, and so on; each item once.
    pub(super) fn repeat(&mut self, arguments: &'a [Plan], mark: usize) -> Run {
        let Some(projection) = arguments.first() else { return Ok(()) };
        let mut seen = Seen::default();
        let mut queue = self.stack.split_off(mark);
        while !queue.is_empty() {
            let mut found = Vec::new();
            for item in queue {
                let before = self.stack.len();
                self.run(projection, item)?;
                self.spend_on(before)?;
                found.extend(self.stack.drain(before..).filter(|item| seen.insert(*item)));
            }
            self.stack.extend_from_slice(&found);
            queue = found;
        }
        Ok(())
    }

    /// `aggregate(step, start)`: each step sees what the steps before made, as `$total`.
    pub(super) fn aggregate(&mut self, arguments: &'a [Plan], mark: usize, this: Item<'a>) -> Run {
        let [step, start @ ..] = arguments else { return Ok(()) };
        let items = self.stack.split_off(mark);
        if let [start] = start {
            self.run(start, this)?;
        }
        let total = self.stack.split_off(mark);
        let before = (self.index, std::mem::replace(&mut self.total, total));
        for (index, item) in items.into_iter().enumerate() {
            self.index = index;
            self.run(step, item)?;
            self.total = self.stack.split_off(mark);
        }
        let (index, total) = before;
        self.index = index;
        let made = std::mem::replace(&mut self.total, total);
        self.stack.extend(made);
        Ok(())
    }

    /// By the keys, or by the items themselves; what has no key comes first, in either direction.
    pub(super) fn sort(&mut self, keys: &'a [Plan], downwards: &[bool], mark: usize) -> Run {
        let mut rows = Vec::new();
        for item in self.stack.split_off(mark) {
            let mut row = Vec::with_capacity(keys.len().max(1));
            for key in keys {
                self.run(key, item)?;
                row.push(match self.above(mark) {
                    [] => None,
                    [one] => Some(*one),
                    _ => return Err("a key to sort by has several items"),
                });
                self.stack.truncate(mark);
            }
            if keys.is_empty() {
                row.push(Some(item));
            }
            rows.push((row, item));
        }
        let mut fault = None;
        rows.sort_by(|(a, _), (b, _)| {
            let downwards = downwards.iter().chain(std::iter::repeat(&false));
            for ((a, b), down) in a.iter().zip(b).zip(downwards) {
                let order = match (a, b) {
                    (Some(a), Some(b)) => match order_items(a, b) {
                        Ok(order) if *down => order.map(Ordering::reverse),
                        Ok(order) => order,
                        Err(why) => {
                            fault = Some(why);
                            None
                        }
                    },
                    (a, b) => Some(a.is_some().cmp(&b.is_some())),
                };
                match order {
                    None | Some(Ordering::Equal) => {}
                    Some(order) => return order,
                }
            }
            Ordering::Equal
        });
        self.stack.extend(rows.into_iter().map(|(_, item)| item));
        fault.map_or(Ok(()), Err)
    }
}
