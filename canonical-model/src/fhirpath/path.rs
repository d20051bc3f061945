//! A compiled expression, ready to run.

use super::arena::Arena;
use super::ast::{Expr, Step, StepKind};
use super::compile::{Typed, compile, compile_within};
use super::eval::{Machine, TOO_LONG, TOO_MUCH};
use super::item::Item;
use super::json_path::{self, Column};
use super::location::{Location, locate};
use super::parse::parse;
use super::plan::Plan;
use super::schema::Schema;
use crate::json::{Text, Value};
use crate::limits::FHIRPATH_STEPS_MAX;
use crate::{Error, Result};

/// Bytes of computed text that cost as much as a step.
const BYTES_OF_STEP: u32 = 64;

/// Where an invariant is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Spot<'a> {
    /// The element's JSON; `null` where a primitive has extensions but no value.
    pub value: &'a Value,
    /// Its type.
    pub kind: &'a str,
    /// A primitive's partner with the underscore.
    pub extension: Option<&'a Value>,
    /// The resource that it is in: `%resource`.
    pub resource: &'a Value,
    /// The resource that contains that one, or itself: `%rootResource`.
    pub container: &'a Value,
}

impl<'a> Spot<'a> {
    fn focus(&self) -> Item<'a> {
        let Self { value, kind, extension, resource, .. } = *self;
        Item { extension, resource, ..Item::root(value, kind) }
    }
}

/// A resource as an item, of its own type.
fn resource(value: &Value) -> Item<'_> {
    Item::root(value, value.get("resourceType").and_then(Value::as_str).unwrap_or("Resource"))
}

/// An expression compiled for one type of resource. Cheap to run, free to share between threads.
#[derive(Clone, Debug)]
pub struct Path {
    typed: Typed,
    context_type: Text,
}

impl Path {
    /// Compiles an expression for resources of `context_type`, or for elements of that type.
    ///
    /// # Errors
    /// 400 with the position where the expression cannot be read, is over a limit, names an element
    /// that no definition has, or asks for a function that is not offered.
    pub fn compile(expression: &str, context_type: &str, schema: &dyn Schema) -> Result<Self> {
        let typed = compile(&parse(expression)?, context_type, schema)?;
        Ok(Self { typed, context_type: context_type.into() })
    }

    /// Compiles an invariant of elements of `kinds`, in resources of the type `resource`.
    ///
    /// # Errors
    /// As [`Path::compile`].
    pub fn compile_invariant(
        expression: &str,
        kinds: &[Text],
        resource: &str,
        schema: &dyn Schema,
    ) -> Result<Self> {
        let typed = compile_within(&parse(expression)?, kinds, resource, schema)?;
        Ok(Self { typed, context_type: resource.into() })
    }

    /// Takes a path to a list apart: the path to what holds the list, and the list's name. So a
    /// list can be spoken of that is not there yet.
    pub(crate) fn compile_list(
        expression: &str,
        context_type: &str,
        schema: &dyn Schema,
    ) -> Result<(Self, Text)> {
        let fault = || Error::invalid("FHIRPath: expected a path that ends in the name of a list");
        let Expr::Path(head, mut steps) = parse(expression)? else { return Err(fault()) };
        let Some(Step { kind: StepKind::Member(name), .. }) = steps.pop() else {
            return Err(fault());
        };
        let typed = compile(&Expr::Path(head, steps), context_type, schema)?;
        Ok((Self { typed, context_type: context_type.into() }, name))
    }

    /// Whether it can never yield anything: every branch belongs to resources of other types.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self.typed.plan, Plan::Nothing)
    }

    /// The types that items can have. `Resource` stands for whatever resource is found there.
    #[must_use]
    pub fn types(&self) -> &[Text] {
        &self.typed.types
    }

    /// Where the items are as SQL's JSON paths, with their types; `None` where it does more than steps
    /// down.
    #[must_use]
    pub fn columns(&self) -> Option<Vec<Column>> {
        json_path::columns(&self.typed.plan, &self.context_type)
    }

    /// The JSON keys of the root that it yields, where it does no more than step down once; else `None`.
    #[must_use]
    pub fn children(&self) -> Option<Vec<&str>> {
        json_path::children(&self.typed.plan)
    }

    /// The items that it yields, in the order of the resource. Made for search: what cannot be
    /// evaluated yields nothing, as does an expression that computes a number or a text.
    #[must_use]
    pub fn eval<'a>(&'a self, root: &'a Value) -> Vec<Item<'a>> {
        let mut items = Vec::new();
        self.eval_into(root, &mut items);
        items
    }

    /// As [`Path::eval`], appending to a vector that is used again and again.
    pub fn eval_into<'a>(&'a self, root: &'a Value, items: &mut Vec<Item<'a>>) {
        let mark = items.len();
        let mut machine = Machine::new(self.root(root), None, u32::MAX);
        machine.stack = std::mem::take(items);
        let outcome = machine.run(&self.typed.plan, self.root(root));
        *items = machine.stack;
        if outcome.is_err() {
            items.truncate(mark);
        }
    }

    /// The items that it yields, within what is left of the steps; `None` where those run out. Made for
    /// search by an expression that nobody has looked at: what it computes lives in the arena, and what cannot
    /// be evaluated yields nothing.
    #[must_use]
    pub fn search<'a>(
        &'a self,
        root: &'a Value,
        arena: &'a Arena,
        steps_left: &mut u32,
    ) -> Option<Vec<Item<'a>>> {
        let mut machine = Machine::new(self.root(root), Some(arena), *steps_left);
        let outcome = machine.run(&self.typed.plan, self.root(root));
        *steps_left = machine.steps_left.saturating_sub(machine.made() / BYTES_OF_STEP);
        match outcome {
            Ok(()) => Some(machine.stack),
            Err(TOO_LONG) => None,
            Err(_) => Some(Vec::new()),
        }
    }

    /// The items that it yields; what it computes lives in the arena.
    ///
    /// # Errors
    /// 422 where the expression cannot be evaluated over this resource, or not within
    /// [`FHIRPATH_STEPS_MAX`].
    pub fn evaluate<'a>(&'a self, root: &'a Value, arena: &'a Arena) -> Result<Vec<Item<'a>>> {
        let mut steps_left = FHIRPATH_STEPS_MAX;
        self.evaluate_within(root, arena, &mut steps_left)
    }

    /// Whether an invariant holds at a spot, with the steps that are left; `None` where it yields nothing, as what
    /// asks for an absent value does. No step is left where it would have taken too long.
    ///
    /// # Errors
    /// Why it cannot be evaluated there: a sentence's end, without anything of the resource.
    pub fn holds(
        &self,
        spot: &Spot<'_>,
        steps_left: &mut u32,
    ) -> Result<Option<bool>, &'static str> {
        let arena = Arena::new();
        let focus = spot.focus();
        let roots = [focus, resource(spot.resource), resource(spot.container)];
        let mut machine = Machine::within(roots, &arena, *steps_left);
        let outcome = machine.truth(&self.typed.plan, focus);
        *steps_left = match outcome {
            Err(TOO_LONG | TOO_MUCH) => 0,
            _ => machine.steps_left.saturating_sub(machine.made() / BYTES_OF_STEP),
        };
        outcome
    }

    fn evaluate_within<'a>(
        &'a self,
        root: &'a Value,
        arena: &'a Arena,
        steps_left: &mut u32,
    ) -> Result<Vec<Item<'a>>> {
        let mut machine = Machine::new(self.root(root), Some(arena), *steps_left);
        let outcome = machine.run(&self.typed.plan, self.root(root));
        *steps_left = machine.steps_left;
        match outcome {
            Ok(()) => Ok(machine.stack),
            Err(fault) => Err(Error::unprocessable(format!("FHIRPath: {fault}"))),
        }
    }

    /// Where the items lie that it yields, in their order.
    ///
    /// # Errors
    /// 422 where the expression cannot be evaluated, or yields what lies in no resource.
    pub fn locations(&self, root: &Value) -> Result<Vec<Location>> {
        let mut steps_left = FHIRPATH_STEPS_MAX;
        self.locations_within(root, usize::MAX, &mut steps_left)
    }

    /// As [`Path::locations`], for the first few items, with the steps that are left.
    pub(crate) fn locations_within(
        &self,
        root: &Value,
        most: usize,
        steps_left: &mut u32,
    ) -> Result<Vec<Location>> {
        let arena = Arena::new();
        let items = self.evaluate_within(root, &arena, steps_left)?;
        let located = items.iter().take(most).map(|item| locate(root, item)).collect::<Option<_>>();
        located.ok_or_else(|| Error::unprocessable("FHIRPath: not a path to an element"))
    }

    fn root<'a>(&'a self, value: &'a Value) -> Item<'a> {
        let any = matches!(self.context_type.as_str(), "Resource" | "DomainResource");
        let own = any.then(|| value.get("resourceType").and_then(Value::as_str)).flatten();
        Item::root(value, own.unwrap_or(&self.context_type))
    }
}
