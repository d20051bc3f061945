//! Runs a plan. One stack holds every collection: a subexpression pushes its items on top and
//! whoever asked for them takes them off, so that a search expression allocates nothing but its
//! result.

mod boundary;
mod conversion;
mod functions;
mod loops;
mod operators;
mod sets;
mod text;
mod tree;
mod values;

use std::cell::Cell;

pub(crate) use text::pattern;
pub(crate) use tree::TYPE_INFO;

use super::arena::Arena;
use super::item::{Item, NULL};
use super::plan::{Arm, Key, Plan, Step};
use super::reference::resolve;
use crate::json::{Object, Value};
use crate::limits::FHIRPATH_MADE_BYTES_MAX;

/// Why evaluation stopped.
pub(crate) type Fault = &'static str;

/// There are no steps left.
pub(crate) const TOO_LONG: Fault = "evaluation takes too many steps";

/// There is no room left.
pub(crate) const TOO_MUCH: Fault = "evaluation makes too much text";

/// Outcome of a part of evaluation.
pub(crate) type Run<T = ()> = Result<T, Fault>;

/// Evaluation of one expression over one resource.
pub(crate) struct Machine<'a> {
    /// `%resource`
    root: Item<'a>,
    /// `%context`
    context: Item<'a>,
    /// `%rootResource`
    container: Item<'a>,
    arena: Option<&'a Arena>,
    pub(crate) steps_left: u32,
    bytes_left: Cell<usize>,
    pub(crate) stack: Vec<Item<'a>>,
    /// `$index`
    index: usize,
    /// `$total`
    total: Vec<Item<'a>>,
}

impl<'a> Machine<'a> {
    /// Without an arena nothing can be computed, with no steps left nothing can be done.
    pub(crate) fn new(root: Item<'a>, arena: Option<&'a Arena>, steps_left: u32) -> Self {
        let bytes_left = Cell::new(FHIRPATH_MADE_BYTES_MAX);
        let (index, total) = (0, Vec::new());
        Self {
            root,
            context: root,
            container: root,
            arena,
            steps_left,
            bytes_left,
            stack: Vec::new(),
            index,
            total,
        }
    }

    /// The same, of an element in a resource that another may contain.
    pub(crate) fn within(
        [context, root, container]: [Item<'a>; 3],
        arena: &'a Arena,
        steps_left: u32,
    ) -> Self {
        Self { context, container, ..Self::new(root, Some(arena), steps_left) }
    }

    /// How many bytes were computed.
    pub(crate) fn made(&self) -> u32 {
        let made = FHIRPATH_MADE_BYTES_MAX.saturating_sub(self.bytes_left.get());
        u32::try_from(made).unwrap_or(u32::MAX)
    }

    /// Pushes what the plan yields.
    pub(crate) fn run(&mut self, plan: &'a Plan, this: Item<'a>) -> Run {
        self.spend()?;
        match plan {
            Plan::Nothing => {}
            Plan::Focus => self.stack.push(this),
            Plan::Root => self.stack.push(self.root),
            Plan::Context => self.stack.push(self.context),
            Plan::Container => self.stack.push(self.container),
            Plan::Index => {
                let index = self.keep(i64::try_from(self.index).unwrap_or(i64::MAX).into())?;
                self.stack.push(Item::loose(index, "integer"));
            }
            Plan::Total => self.stack.extend_from_slice(&self.total),
            Plan::Constant(value, kind) => self.stack.push(Item::loose(value, kind)),
            Plan::Path(from, steps) => self.path(from, steps, this)?,
            Plan::Call(from, function, arguments) => self.call(from, function, arguments, this)?,
            Plan::Union(arms) => {
                let mark = self.stack.len();
                for arm in arms {
                    self.run(arm, this)?;
                }
                self.drop_repeats(mark)?;
            }
            Plan::Fold(first, rest) => self.fold(first, rest, this)?,
            Plan::If(parts) => {
                let [condition, first, second] = parts.as_ref();
                let outcome = if self.test(condition, this)? { first } else { second };
                self.run(outcome, this)?;
            }
        }
        Ok(())
    }

    /// Whether a criterion holds: an empty one does not.
    pub(crate) fn test(&mut self, plan: &'a Plan, this: Item<'a>) -> Run<bool> {
        Ok(self.truth(plan, this)?.unwrap_or(false))
    }

    /// What a plan says, if it says anything.
    pub(crate) fn truth(&mut self, plan: &'a Plan, this: Item<'a>) -> Run<Option<bool>> {
        let mark = self.stack.len();
        self.run(plan, this)?;
        self.take_truth(mark)
    }

    fn spend(&mut self) -> Run {
        self.spend_many(1)
    }

    /// Takes as many steps as something costs that many.
    fn spend_many(&mut self, steps: u32) -> Run {
        self.steps_left = self.steps_left.checked_sub(steps).ok_or(TOO_LONG)?;
        Ok(())
    }

    /// Keeps a value that was computed, as long as there is room.
    fn keep(&self, value: Value) -> Run<&'a Value> {
        let size = size_of::<Value>() + value.as_str().map_or(0, str::len);
        let left = self.bytes_left.get().checked_sub(size);
        self.bytes_left.set(left.ok_or(TOO_MUCH)?);
        self.arena.map(|arena| arena.keep(value)).ok_or("the expression computes a value")
    }

    /// The one item above the mark, if there is any.
    fn one(&self, mark: usize) -> Run<Option<Item<'a>>> {
        match self.above(mark) {
            [] => Ok(None),
            [one] => Ok(Some(*one)),
            _ => Err("expected one value, found several items"),
        }
    }

    /// The items above the mark.
    fn above(&self, mark: usize) -> &[Item<'a>] {
        self.stack.get(mark..).unwrap_or_default()
    }

    fn path(&mut self, from: &'a Plan, steps: &'a [Step], this: Item<'a>) -> Run {
        match from {
            Plan::Focus => self.walk(steps, this),
            Plan::Root => self.walk(steps, self.root),
            Plan::Context => self.walk(steps, self.context),
            Plan::Container => self.walk(steps, self.container),
            other => {
                let mark = self.stack.len();
                self.run(other, this)?;
                for item in self.stack.split_off(mark) {
                    self.walk(steps, item)?;
                }
                Ok(())
            }
        }
    }

    fn walk(&mut self, steps: &'a [Step], item: Item<'a>) -> Run {
        let Some((step, rest)) = steps.split_first() else {
            self.spend()?;
            self.stack.push(item);
            return Ok(());
        };
        self.spend()?;
        match step {
            Step::Child(arms) => self.children(arms, rest, item),
            Step::Named(name, model) => {
                let mark = self.stack.len();
                self.members(item, Some(name), *model)?;
                self.walk_above(mark, rest)
            }
            Step::OfKind(kind, model) if model.descends(item.type_name, kind) => {
                self.walk(rest, item)
            }
            Step::OfType(test) if test.holds(&item) => self.walk(rest, item),
            Step::OfType(_) | Step::OfKind(..) => Ok(()),
            Step::Where(criterion) => {
                if self.test(criterion, item)? {
                    self.walk(rest, item)
                } else {
                    Ok(())
                }
            }
            Step::Select(projection) => {
                let mark = self.stack.len();
                self.run(projection, item)?;
                self.walk_above(mark, rest)
            }
            Step::Extension(url) => self.extensions(url, rest, item),
            Step::Resolve => match resolve(item, self.container.value) {
                Some(target) => self.walk(rest, target),
                None => Ok(()),
            },
        }
    }

    /// Goes on with each item above the mark.
    fn walk_above(&mut self, mark: usize, rest: &'a [Step]) -> Run {
        if !rest.is_empty() {
            for item in self.stack.split_off(mark) {
                self.walk(rest, item)?;
            }
        }
        Ok(())
    }

    fn children(&mut self, arms: &'a [Arm], rest: &'a [Step], item: Item<'a>) -> Run {
        let Some(members) = item.members() else { return Ok(()) };
        for arm in arms {
            if arm.parent.as_ref().is_none_or(|parent| parent == item.type_name) {
                match arm.keys.as_slice() {
                    [key] if key.primitive => {
                        let (value, partner) = pair(members, &key.name);
                        self.descend(key, value, partner, rest, item)?;
                    }
                    [key] => self.descend(key, members.get(&key.name), None, rest, item)?,
                    _ => self.choices(arm, members, rest, item)?,
                }
            }
        }
        Ok(())
    }

    /// A choice has many keys and an object few members: look through the members.
    fn choices(
        &mut self,
        arm: &'a Arm,
        members: &'a Object,
        rest: &'a [Step],
        item: Item<'a>,
    ) -> Run {
        for (name, value) in members.iter() {
            let plain = name.strip_prefix('_');
            let full = plain.unwrap_or(name);
            if !full.starts_with(arm.stem.as_str()) {
                continue;
            }
            let Some(key) = arm.keys.iter().find(|key| key.name == full) else { continue };
            match plain {
                None if key.primitive => {
                    let (_, partner) = pair(members, full);
                    self.descend(key, Some(value), partner, rest, item)?;
                }
                None => self.descend(key, Some(value), None, rest, item)?,
                Some(full) if key.primitive && members.get(full).is_none() => {
                    self.descend(key, None, Some(value), rest, item)?;
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// On with each item that a member holds.
    fn descend(
        &mut self,
        key: &'a Key,
        value: Option<&'a Value>,
        partner: Option<&'a Value>,
        rest: &'a [Step],
        item: Item<'a>,
    ) -> Run {
        match (value, partner) {
            (None, None) => Ok(()),
            (Some(Value::Array(values)), partner) => {
                let partners = partner.and_then(Value::as_array).unwrap_or_default();
                for (n, value) in values.iter().enumerate() {
                    self.child(key, value, partners.get(n), rest, item)?;
                }
                for partner in partners.get(values.len()..).unwrap_or_default() {
                    self.child(key, &NULL, Some(partner), rest, item)?;
                }
                Ok(())
            }
            (None, Some(Value::Array(partners))) => {
                for partner in partners {
                    self.child(key, &NULL, Some(partner), rest, item)?;
                }
                Ok(())
            }
            (value, partner) => self.child(key, value.unwrap_or(&NULL), partner, rest, item),
        }
    }

    fn child(
        &mut self,
        key: &'a Key,
        value: &'a Value,
        partner: Option<&'a Value>,
        rest: &'a [Step],
        parent: Item<'a>,
    ) -> Run {
        let partner = partner.filter(|partner| !matches!(partner, Value::Null));
        if matches!(value, Value::Null) && partner.is_none() {
            return Ok(());
        }
        let mut child = Item {
            value,
            type_name: key.kind.as_str(),
            extension: partner,
            parent: Some(parent.value),
            resource: parent.resource,
            remote: false,
        };
        if key.resource {
            child.resource = value;
            if let Some(kind) = value.get("resourceType").and_then(Value::as_str) {
                child.type_name = kind;
            }
        }
        self.walk(rest, child)
    }

    fn extensions(&mut self, url: &'a str, rest: &'a [Step], item: Item<'a>) -> Run {
        let found = item.members().and_then(|members| members.get("extension"));
        for value in found.map(Value::items).unwrap_or_default() {
            if value.get("url").and_then(Value::as_str) == Some(url) {
                let parent = Some(item.value);
                self.walk(
                    rest,
                    Item { parent, resource: item.resource, ..Item::root(value, "Extension") },
                )?;
            }
        }
        Ok(())
    }
}

/// A primitive's value and its partner, in one look through the members.
fn pair<'a>(members: &'a Object, name: &str) -> (Option<&'a Value>, Option<&'a Value>) {
    let mut found = (None, None);
    for (key, value) in members.iter() {
        if key == name {
            found.0 = Some(value);
        } else if key.len() == name.len() + 1 && key.strip_prefix('_') == Some(name) {
            found.1 = Some(value);
        }
    }
    found
}
