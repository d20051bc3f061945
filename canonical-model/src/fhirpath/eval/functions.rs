//! The functions of a whole collection.

use super::{Machine, Run};
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
            Function::Where | Function::Select => {
                let selects = matches!(function, Function::Select);
                self.each(arguments, mark, selects)?;
            }
            Function::Repeat => self.repeat(arguments, mark)?,
            Function::Aggregate => self.aggregate(arguments, mark, this)?,
            Function::Sort(downwards) => self.sort(arguments, downwards, mark)?,
            Function::Tree(deep, model) => self.tree(mark, *deep, *model)?,
            Function::TypeInfo => self.type_info(mark)?,
            Function::Negate => self.negate(mark)?,
            Function::Split => self.split(arguments, mark, this)?,
            Function::ToChars => self.characters(mark)?,
            Function::Join => self.join(arguments, mark, this)?,
            Function::ReplaceMatches(pattern) => {
                self.replace_matches(pattern.as_ref(), arguments, mark, this)?;
            }
            Function::OfOne(function) => self.of_one(*function, arguments, mark, this)?,
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
            Function::AllTrue => Some(self.truths(mark)?.all(|truth| truth)),
            Function::AnyTrue => Some(self.truths(mark)?.any(|truth| truth)),
            Function::AllFalse => Some(self.truths(mark)?.all(|truth| !truth)),
            Function::AnyFalse => Some(self.truths(mark)?.any(|truth| !truth)),
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
                [one] => Some(test.holds(one)),
                _ => return Err("`is` found several items"),
            },
            Function::IsKind(kind, model) => match self.above(mark) {
                [] => None,
                [one] => Some(model.descends(one.type_name, kind)),
                _ => return Err("`is` found several items"),
            },
            Function::Converts(conversion) => self.converts(*conversion, arguments, mark, this)?,
            Function::ConformsTo(model) => self.conforms_to(*model, arguments, mark, this)?,
            Function::Matches { whole, pattern } => {
                self.matches(*whole, pattern.as_ref(), arguments, mark, this)?
            }
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

    /// The items above the mark as truth values.
    fn truths(&self, mark: usize) -> Run<impl Iterator<Item = bool>> {
        let truths = self.above(mark).iter().map(|item| item.value.as_bool());
        let truths: Option<Vec<bool>> = truths.collect();
        truths.map(Vec::into_iter).ok_or("expected truth values")
    }

    fn all(&mut self, mark: usize, arguments: &'a [Plan]) -> Run<bool> {
        let Some(criterion) = arguments.first() else { return Ok(true) };
        let before = self.index;
        for (index, item) in self.stack.split_off(mark).into_iter().enumerate() {
            self.index = index;
            if !self.test(criterion, item)? {
                self.index = before;
                return Ok(false);
            }
        }
        self.index = before;
        Ok(true)
    }

    /// Keeps `count` items above the mark, from the `skip`-th on.
    fn keep_range(&mut self, mark: usize, skip: usize, count: usize) {
        let end = self.stack.len().min(mark.saturating_add(skip));
        self.stack.drain(mark..end);
        self.stack.truncate(mark.saturating_add(count));
    }

    pub(super) fn all_arguments(&mut self, arguments: &'a [Plan], this: Item<'a>) -> Run {
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
        left.map_or(Ok(()), |left| self.spend_reading(left))?;
        Ok(left.zip(right).map(|(left, right)| compare(left, right)))
    }
}
