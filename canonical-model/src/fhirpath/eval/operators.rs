//! The operators between two collections. <http://hl7.org/fhirpath/N1/#operations>

use std::cmp::Ordering;

use super::{Machine, Run};
use crate::decimal::{Arithmetic, reckon};
use crate::fhirpath::ast::Op;
use crate::fhirpath::compare::{equal_items, equivalent_items, order_items};
use crate::fhirpath::item::Item;
use crate::fhirpath::moment;
use crate::fhirpath::plan::Plan;
use crate::fhirpath::quantity::{Measure, Span, cut, is_quantity};
use crate::json::{self, Value};

impl<'a> Machine<'a> {
    /// Operators of one rank, from the left.
    pub(super) fn fold(&mut self, first: &'a Plan, rest: &'a [(Op, Plan)], this: Item<'a>) -> Run {
        let mark = self.stack.len();
        self.run(first, this)?;
        for (op, plan) in rest {
            let outcome = if op.rank() <= Op::And.rank() {
                self.logic(*op, plan, mark, this)?.map(Item::truth)
            } else {
                let middle = self.stack.len();
                self.run(plan, this)?;
                self.spend_on(mark)?;
                self.binary(*op, mark, middle)?
            };
            self.stack.truncate(mark);
            self.stack.extend(outcome);
        }
        Ok(())
    }

    /// Three-valued logic; the right side runs only where it matters.
    fn logic(&mut self, op: Op, plan: &'a Plan, mark: usize, this: Item<'a>) -> Run<Option<bool>> {
        let left = self.take_truth(mark)?;
        match (op, left) {
            (Op::And, Some(false)) => return Ok(Some(false)),
            (Op::Or, Some(true)) | (Op::Implies, Some(false)) => return Ok(Some(true)),
            _ => {}
        }
        self.run(plan, this)?;
        let right = self.take_truth(mark)?;
        Ok(match (op, left, right) {
            (Op::And, _, Some(false)) => Some(false),
            (Op::Or | Op::Implies, _, Some(true)) => Some(true),
            (Op::And | Op::Or, None, _) | (Op::Implies, None, _) => None,
            (Op::Xor, Some(left), Some(right)) => Some(left != right),
            (Op::Xor, _, _) => None,
            (_, _, right) => right,
        })
    }

    /// The operator over the items from `mark` to `middle` and those above.
    fn binary(&mut self, op: Op, mark: usize, middle: usize) -> Run<Option<Item<'a>>> {
        let left = self.stack.get(mark..middle).unwrap_or_default();
        let right = self.above(middle);
        let truth = match op {
            Op::Equal => equal(left, right),
            Op::NotEqual => equal(left, right).map(|truth| !truth),
            Op::Equivalent => Some(equivalent(left, right)),
            Op::NotEquivalent => Some(!equivalent(left, right)),
            Op::In => member(left, right)?,
            Op::Contains => member(right, left)?,
            Op::Less => ordered(left, right, Ordering::is_lt)?,
            Op::LessOrEqual => ordered(left, right, Ordering::is_le)?,
            Op::Greater => ordered(left, right, Ordering::is_gt)?,
            Op::GreaterOrEqual => ordered(left, right, Ordering::is_ge)?,
            Op::Concatenate => {
                let joined = [text_or_empty(left)?, text_or_empty(right)?].concat();
                return Ok(Some(Item::loose(self.keep(joined.into())?, "string")));
            }
            _ => return self.compute(op, left, right),
        };
        Ok(truth.map(Item::truth))
    }

    /// Arithmetic, and `+` between texts.
    fn compute(&self, op: Op, left: &[Item<'a>], right: &[Item<'a>]) -> Run<Option<Item<'a>>> {
        let (left, right) = match (left, right) {
            ([], _) | (_, []) => return Ok(None),
            ([left], [right]) => (left, right),
            _ => return Err("expected one value, found several items"),
        };
        if let Some(moment) = later(op, left, right)? {
            return Ok(Some(Item::loose(self.keep(moment.into())?, left.type_name)));
        }
        if let (Value::String(a), Value::String(b), Op::Add) = (left.value, right.value, op) {
            return Ok(Some(Item::loose(self.keep([a.as_str(), b].concat().into())?, "string")));
        }
        let how = match op {
            Op::Add => Arithmetic::Add,
            Op::Subtract => Arithmetic::Subtract,
            Op::Multiply => Arithmetic::Multiply,
            Op::Divide => Arithmetic::Divide,
            Op::Div => Arithmetic::Quotient,
            _ => Arithmetic::Remainder,
        };
        let (Some(a), Some(b)) = (left.value.as_number(), right.value.as_number()) else {
            let numbers = || "expected two numbers";
            let measure = |item: &Item<'_>| Measure::of(item.value).ok_or_else(numbers);
            let Some(outcome) = measure(left)?.reckon(how, &measure(right)?) else {
                return Ok(None);
            };
            return Ok(Some(Item::loose(self.keep(outcome)?, "Quantity")));
        };
        let Some(result) = reckon(a.as_str(), how, b.as_str()) else { return Ok(None) };
        let whole = op != Op::Divide && !result.contains('.');
        let number = json::parse(result.as_bytes()).map_err(|_| "a number beyond its limits")?;
        let kind = if whole { "integer" } else { "decimal" };
        Ok(Some(Item::loose(self.keep(number)?, kind)))
    }
}

/// A date or time and a quantity of time; `None` where the left side is none.
fn later(op: Op, left: &Item<'_>, right: &Item<'_>) -> Run<Option<String>> {
    let Value::String(text) = left.value else { return Ok(None) };
    let moment = match left.type_name {
        "time" => moment::time(text),
        "date" | "dateTime" | "instant" => moment::date_time(text),
        _ => return Ok(None),
    };
    let measure = if is_quantity(right) { Measure::of(right.value) } else { None };
    let sign = match op {
        Op::Add => 1,
        Op::Subtract => -1,
        _ => return Err("a date or time can only be moved"),
    };
    let (Some(moment), Some(measure)) = (moment, measure) else {
        return Err("a date or time is moved by a quantity of time");
    };
    let span = measure.span().ok_or("a date or time is moved by a quantity of time")?;
    // Parts of days count with units of a fixed length; of months and years, whole ones.
    let whole = cut(&measure.value, 0).and_then(|count| count.parse::<i64>().ok());
    let (span, count) = match span {
        Span::Micros(micros) => {
            let all = reckon(&measure.value, Arithmetic::Multiply, &micros.to_string());
            let all = all.and_then(|all| cut(&all, 0)).and_then(|all| all.parse::<i64>().ok());
            (Span::Micros(1), all)
        }
        months @ Span::Months(_) => (months, whole),
    };
    let moved = count.and_then(|count| moment.plus(span, count.checked_mul(sign)?));
    moved.map(|moved| Some(moved.to_text())).ok_or("a date beyond the calendar")
}

/// For `&`, which takes nothing as an empty text.
fn text_or_empty<'a>(items: &[Item<'a>]) -> Run<&'a str> {
    match items {
        [] => Ok(""),
        [one] => one.value.as_str().ok_or("expected a text"),
        _ => Err("expected one text, found several items"),
    }
}

fn equal(left: &[Item<'_>], right: &[Item<'_>]) -> Option<bool> {
    if left.is_empty() || right.is_empty() {
        return None;
    }
    if left.len() != right.len() {
        return Some(false);
    }
    let mut all = Some(true);
    for (a, b) in left.iter().zip(right) {
        match equal_items(a, b) {
            Some(false) => return Some(false),
            Some(true) => {}
            None => all = None,
        }
    }
    all
}

/// Equal but for order, case and white space.
fn equivalent(left: &[Item<'_>], right: &[Item<'_>]) -> bool {
    let mut rest: Vec<&Item<'_>> = right.iter().collect();
    left.len() == right.len()
        && left.iter().all(|one| {
            let found = rest.iter().position(|other| equivalent_items(one, other));
            found.map(|at| rest.swap_remove(at)).is_some()
        })
}

fn member(one: &[Item<'_>], many: &[Item<'_>]) -> Run<Option<bool>> {
    match one {
        [] => Ok(None),
        [one] => Ok(Some(many.iter().any(|other| equal_items(one, other) == Some(true)))),
        _ => Err("expected one item, found several"),
    }
}

fn ordered(left: &[Item<'_>], right: &[Item<'_>], pass: fn(Ordering) -> bool) -> Run<Option<bool>> {
    match (left, right) {
        ([], _) | (_, []) => Ok(None),
        ([one], [other]) => Ok(order_items(one, other)?.map(pass)),
        _ => Err("expected one item, found several"),
    }
}
