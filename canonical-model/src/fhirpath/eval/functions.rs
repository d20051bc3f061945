//! The functions of a whole collection.

use super::{Machine, Run};
use crate::fhirpath::compare::{equal_items, same};
use crate::fhirpath::item::Item;
use crate::fhirpath::plan::{Function, Plan};
use crate::json::Value;

impl<'a> Machine<'a> {
    pub(super) fn call(
        &mut self,
        from: &'a Plan,
        function: &'a Function,
        arguments: &'a [Plan],
        this: Item<'a>,
    ) -> Run {
        let mark = self.stack.len();
        self.run(from, this)?;
        if let Some(truth) = self.truth_of(function, arguments, mark, this)? {
            self.stack.truncate(mark);
            self.stack.extend(truth.map(Item::truth));
            return Ok(());
        }
        match function {
            Function::Count => {
                let count = self.above(mark).len();
                let count = self.keep(i64::try_from(count).unwrap_or(i64::MAX).into())?;
                self.stack.truncate(mark);
                self.stack.push(Item::loose(count, "integer"));
            }
            Function::First => self.stack.truncate(mark + 1),
            Function::Last => self.keep_range(mark, self.above(mark).len().saturating_sub(1), 1),
            Function::Tail => self.keep_range(mark, 1, usize::MAX),
            Function::Single if self.above(mark).len() > 1 => {
                return Err("`single` found several items");
            }
            Function::Skip => {
                let count = self.integer(arguments, this)?.unwrap_or(0);
                self.keep_range(mark, count, usize::MAX);
            }
            Function::Take => {
                let count = self.integer(arguments, this)?.unwrap_or(0);
                self.keep_range(mark, 0, count);
            }
            Function::Item => match self.integer(arguments, this)? {
                Some(index) => self.keep_range(mark, index, 1),
                None => self.stack.truncate(mark),
            },
            Function::Distinct => self.drop_repeats(mark)?,
            Function::Combine => self.all_arguments(arguments, this)?,
            Function::Intersect | Function::Exclude => {
                let wanted = matches!(function, Function::Intersect);
                self.sift(mark, arguments, this, wanted)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// The answer of a function that says yes or no, or `None` for all others.
    fn truth_of(
        &mut self,
        function: &'a Function,
        arguments: &'a [Plan],
        mark: usize,
        this: Item<'a>,
    ) -> Run<Option<Option<bool>>> {
        let truth = match function {
            Function::Exists => Some(self.stack.len() > mark),
            Function::Empty => Some(self.stack.len() == mark),
            Function::Not => self.take_truth(mark)?.map(|truth| !truth),
            Function::All => Some(self.all(mark, arguments)?),
            Function::AllTrue => Some(self.above(mark).iter().all(|item| is(item, true))),
            Function::AnyTrue => Some(self.above(mark).iter().any(|item| is(item, true))),
            Function::AllFalse => Some(self.above(mark).iter().all(|item| is(item, false))),
            Function::AnyFalse => Some(self.above(mark).iter().any(|item| is(item, false))),
            Function::IsDistinct => {
                let before = self.stack.len();
                self.drop_repeats(mark)?;
                Some(self.stack.len() == before)
            }
            Function::SubsetOf => Some(self.covers(mark, arguments, this, false)?),
            Function::SupersetOf => Some(self.covers(mark, arguments, this, true)?),
            Function::HasValue => Some(matches!(
                self.above(mark),
                [one] if !matches!(one.value, Value::Null | Value::Object(_) | Value::Array(_))
            )),
            Function::Is(test) => match self.above(mark) {
                [] => None,
                [one] => Some(test.holds(one.type_name)),
                _ => return Err("`is` found several items"),
            },
            Function::StartsWith => self.texts(mark, arguments, this, |a, b| a.starts_with(b))?,
            Function::EndsWith => self.texts(mark, arguments, this, |a, b| a.ends_with(b))?,
            Function::Contains => self.texts(mark, arguments, this, |a, b| a.contains(b))?,
            _ => return Ok(None),
        };
        Ok(Some(truth))
    }

    /// Takes the items above the mark as one truth value; a single item that is none is true.
    pub(super) fn take_truth(&mut self, mark: usize) -> Run<Option<bool>> {
        let truth = match self.above(mark) {
            [] => None,
            [one] => Some(one.value.as_bool().unwrap_or(true)),
            _ => return Err("expected one truth value, found several items"),
        };
        self.stack.truncate(mark);
        Ok(truth)
    }

    fn all(&mut self, mark: usize, arguments: &'a [Plan]) -> Run<bool> {
        let Some(criterion) = arguments.first() else { return Ok(true) };
        for item in self.stack.split_off(mark) {
            if !self.test(criterion, item)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Keeps `count` items above the mark, from the `skip`-th on.
    fn keep_range(&mut self, mark: usize, skip: usize, count: usize) {
        let end = self.stack.len().min(mark.saturating_add(skip));
        self.stack.drain(mark..end);
        self.stack.truncate(mark.saturating_add(count));
    }

    fn all_arguments(&mut self, arguments: &'a [Plan], this: Item<'a>) -> Run {
        for argument in arguments {
            self.run(argument, this)?;
        }
        Ok(())
    }

    /// The first argument as an index; a negative one is beyond every end.
    fn integer(&mut self, arguments: &'a [Plan], this: Item<'a>) -> Run<Option<usize>> {
        let mark = self.stack.len();
        self.all_arguments(arguments, this)?;
        let number = match self.above(mark) {
            [] => None,
            [one] => Some(one.value.as_number().and_then(crate::json::Number::to_i64)),
            _ => return Err("expected one number, found several items"),
        };
        self.stack.truncate(mark);
        match number {
            None => Ok(None),
            Some(None) => Err("expected a whole number"),
            Some(Some(number)) => {
                Ok(Some(usize::try_from(number).unwrap_or(0)).filter(|_| number >= 0))
            }
        }
    }

    /// Compares the text above the mark with the argument's.
    fn texts(
        &mut self,
        mark: usize,
        arguments: &'a [Plan],
        this: Item<'a>,
        compare: impl Fn(&str, &str) -> bool,
    ) -> Run<Option<bool>> {
        let middle = self.stack.len();
        self.all_arguments(arguments, this)?;
        let text = |items: &[Item<'a>]| match items {
            [] => Ok(None),
            [one] => one.value.as_str().map(Some).ok_or("expected a text"),
            _ => Err("expected one text, found several items"),
        };
        let left = text(self.stack.get(mark..middle).unwrap_or_default())?;
        let right = text(self.above(middle))?;
        Ok(left.zip(right).map(|(left, right)| compare(left, right)))
    }

    /// Whether one collection holds all of the other.
    fn covers(
        &mut self,
        mark: usize,
        arguments: &'a [Plan],
        this: Item<'a>,
        whole: bool,
    ) -> Run<bool> {
        let middle = self.stack.len();
        self.all_arguments(arguments, this)?;
        let argument = self.stack.split_off(middle);
        let (large, small) =
            if whole { (self.above(mark), &*argument) } else { (&*argument, self.above(mark)) };
        let cost = large.len().saturating_mul(small.len());
        let covers = small.iter().all(|one| large.iter().any(|other| alike(one, other)));
        self.spend_many(cost)?;
        Ok(covers)
    }

    /// Keeps the items that the argument holds, or those that it does not.
    fn sift(&mut self, mark: usize, arguments: &'a [Plan], this: Item<'a>, wanted: bool) -> Run {
        let mut items = self.stack.split_off(mark);
        self.all_arguments(arguments, this)?;
        self.spend_many(items.len().saturating_mul(self.above(mark).len()))?;
        let other = self.stack.split_off(mark);
        items.retain(|one| other.iter().any(|two| alike(one, two)) == wanted);
        self.stack.append(&mut items);
        if wanted { self.drop_repeats(mark) } else { Ok(()) }
    }

    /// Drops the items above the mark that equal an earlier one.
    pub(super) fn drop_repeats(&mut self, mark: usize) -> Run {
        let count = self.stack.len() - mark;
        if count < 2 {
            return Ok(());
        }
        self.spend_many(count.saturating_mul(count) / 2)?;
        let mut kept = mark;
        for at in mark..self.stack.len() {
            let Some(item) = self.stack.get(at).copied() else { break };
            let seen = self.stack.get(mark..kept).unwrap_or_default();
            if !seen.iter().any(|other| alike(&item, other)) {
                if let Some(slot) = self.stack.get_mut(kept) {
                    *slot = item;
                }
                kept += 1;
            }
        }
        self.stack.truncate(kept);
        Ok(())
    }

    /// Comparisons cost a fraction of a step.
    fn spend_many(&mut self, comparisons: usize) -> Run {
        let steps = u32::try_from(comparisons / 16).unwrap_or(u32::MAX);
        match self.steps_left.checked_sub(steps) {
            Some(left) => self.steps_left = left,
            None => return Err("evaluation takes too many steps"),
        }
        Ok(())
    }
}

fn is(item: &Item<'_>, truth: bool) -> bool {
    item.value.as_bool() == Some(truth)
}

/// The same item, or one that equals it.
fn alike(a: &Item<'_>, b: &Item<'_>) -> bool {
    if std::ptr::eq(a.value, b.value) && !matches!(a.value, Value::Null) {
        return true;
    }
    match (a.value, b.value) {
        (Value::Null, Value::Null) => {
            matches!((a.extension, b.extension), (Some(x), Some(y)) if same(x, y))
        }
        _ => equal_items(a, b) == Some(true),
    }
}
