//! Turns an expression into a plan by asking the definitions once, so that evaluation asks nothing.

mod looped;
mod members;

pub(crate) use members::choice_key;
use regex::Regex;

use super::Schema;
use super::ast::{Expr, Head, Op, Step as Written, StepKind};
use super::eval::{TYPE_INFO, pattern};
use super::lex::refuse;
use super::plan::{FUNCTIONS, Function, Plan, Step, Yields};
use super::schema::Model;
use crate::Result;
use crate::json::Text;

/// The type of what may be of any type: only evaluation tells.
const ANY: &str = "*";

/// A plan and the types that its items can have; none at all where it is always empty.
#[derive(Clone, Debug)]
pub(crate) struct Typed {
    pub(crate) plan: Plan,
    pub(crate) types: Vec<Text>,
}

impl Typed {
    fn nothing() -> Self {
        Self { plan: Plan::Nothing, types: Vec::new() }
    }

    fn one(plan: Plan, kind: &str) -> Self {
        Self { plan, types: vec![kind.into()] }
    }

    fn is_nothing(&self) -> bool {
        matches!(self.plan, Plan::Nothing)
    }

    /// The plan with one more step, which leads to items of these types.
    fn then(self, step: Step, types: Vec<Text>) -> Self {
        let plan = match self.plan {
            Plan::Nothing => return Self::nothing(),
            Plan::Path(from, mut steps) => {
                steps.push(step);
                Plan::Path(from, steps)
            }
            other => Plan::Path(Box::new(other), vec![step]),
        };
        Self { plan, types }
    }

    fn call(self, function: Function, arguments: Vec<Plan>, yields: Yields) -> Self {
        let types = match yields {
            Yields::Input => self.types,
            Yields::One(kind) => vec![kind.into()],
        };
        Self { plan: Plan::Call(Box::new(self.plan), function, arguments), types }
    }
}

/// Compiles an expression for resources (or elements) of one type.
pub(crate) fn compile(expr: &Expr, context_type: &str, schema: &dyn Schema) -> Result<Typed> {
    let root = Text::from(context_type);
    let context = vec![root.clone()];
    let compiler = Compiler { schema, context: context.clone(), container: root.clone(), root };
    compiler.expr(expr, &context)
}

/// Compiles an expression for elements of these types, in resources of one type.
pub(crate) fn compile_within(
    expr: &Expr,
    context: &[Text],
    root: &str,
    schema: &dyn Schema,
) -> Result<Typed> {
    let (root, container) = (root.into(), "Resource".into());
    let compiler = Compiler { schema, context: context.to_vec(), container, root };
    compiler.expr(expr, context)
}

/// `focus` throughout: the types that the item in focus can have.
struct Compiler<'s> {
    schema: &'s dyn Schema,
    /// The types of `%context`.
    context: Vec<Text>,
    /// The type of `%rootResource`.
    container: Text,
    /// The type of `%resource`.
    root: Text,
}

impl Compiler<'_> {
    fn expr(&self, expr: &Expr, focus: &[Text]) -> Result<Typed> {
        match expr {
            Expr::Empty => Ok(Typed::nothing()),
            Expr::Literal(value, kind) => Ok(Typed::one(Plan::Constant(value.clone(), kind), kind)),
            Expr::Path(head, steps) => self.path(head, steps, focus),
            Expr::Chain(first, rest) => self.chain(first, rest, focus),
            Expr::Negative(inner) => {
                let typed = self.expr(inner, focus)?;
                Ok(typed.call(Function::Negate, Vec::new(), Yields::Input))
            }
        }
    }

    fn path(&self, head: &Head, steps: &[Written], focus: &[Text]) -> Result<Typed> {
        let here = || Typed { plan: Plan::Focus, types: focus.to_vec() };
        let mut rest = steps;
        let mut typed = match head {
            Head::This => here(),
            Head::Index => Typed::one(Plan::Index, "integer"),
            Head::Total => Typed { plan: Plan::Total, types: vec![ANY.into()] },
            Head::Of(inner) => self.expr(inner, focus)?,
            Head::Variable(name, at) => self.variable(name, *at)?,
            Head::Focus => match steps.split_first() {
                Some((Written { kind: StepKind::Member(name), at }, behind))
                    if name.starts_with(|c: char| c.is_ascii_uppercase()) =>
                {
                    rest = behind;
                    self.type_start(here(), name, *at)?
                }
                _ => here(),
            },
        };
        for step in rest {
            typed = self.step(typed, step, focus)?;
        }
        Ok(typed)
    }

    /// `%resource` and its kin mean where evaluation began; the rest are constants.
    fn variable(&self, name: &str, at: usize) -> Result<Typed> {
        let url = match name {
            "resource" => return Ok(Typed::one(Plan::Root, &self.root)),
            "rootResource" => return Ok(Typed::one(Plan::Container, &self.container)),
            "context" => {
                return Ok(Typed { plan: Plan::Context, types: self.context.clone() });
            }
            "sct" => "http://snomed.info/sct",
            "loinc" => "http://loinc.org",
            "ucum" => "http://unitsofmeasure.org",
            _ if name.starts_with("vs-") || name.starts_with("ext-") => {
                let (folder, name) = name.split_once('-').unwrap_or_default();
                let folder = if folder == "vs" { "ValueSet" } else { "StructureDefinition" };
                let url = format!("http://hl7.org/fhir/{folder}/{name}");
                return Ok(Typed::one(Plan::Constant(url.as_str().into(), "string"), "string"));
            }
            _ => return Err(refuse("a variable that is not known here", at)),
        };
        Ok(Typed::one(Plan::Constant(url.into(), "string"), "string"))
    }

    fn chain(&self, first: &Expr, rest: &[(Op, Expr)], focus: &[Text]) -> Result<Typed> {
        let mut all = vec![self.expr(first, focus)?];
        for (_, expr) in rest {
            all.push(self.expr(expr, focus)?);
        }
        if rest.first().is_some_and(|(op, _)| *op == Op::Union) {
            return Ok(union(all));
        }
        let kind = match rest.first().map(|(op, _)| op.rank()) {
            Some(9..) => all.first().and_then(|typed| typed.types.first().cloned()),
            _ => Some("boolean".into()),
        };
        let mut plans = all.into_iter().map(|typed| typed.plan);
        let left = plans.next().unwrap_or(Plan::Nothing);
        let rest = rest.iter().map(|(op, _)| *op).zip(plans).collect();
        let plan = Plan::Fold(Box::new(left), rest);
        Ok(Typed { plan, types: kind.into_iter().collect() })
    }

    fn step(&self, typed: Typed, step: &Written, focus: &[Text]) -> Result<Typed> {
        match &step.kind {
            StepKind::Member(name) => self.member(typed, name, step.at),
            StepKind::Call(name, arguments) => self.call(typed, name, arguments, step.at, focus),
            StepKind::As(name) => self.of_type(typed, name, step.at),
            StepKind::Is(name) => {
                let test = self.is_test(&typed.types, name, step.at)?;
                Ok(typed.call(test, Vec::new(), Yields::One("boolean")))
            }
            StepKind::Item(index) => {
                let index = self.expr(index, focus)?.plan;
                Ok(if typed.is_nothing() {
                    typed
                } else {
                    typed.call(Function::Item, vec![index], Yields::Input)
                })
            }
        }
    }

    fn call(
        &self,
        typed: Typed,
        name: &str,
        arguments: &[Expr],
        at: usize,
        focus: &[Text],
    ) -> Result<Typed> {
        match (name, arguments) {
            ("where", [criterion]) => self.filter(typed, criterion),
            ("exists", [criterion]) => {
                let kept = self.filter(typed, criterion)?;
                Ok(kept.call(Function::Exists, Vec::new(), Yields::One("boolean")))
            }
            ("all", [criterion]) => {
                let plan = self.expr(criterion, &typed.types)?.plan;
                Ok(typed.call(Function::All, vec![plan], Yields::One("boolean")))
            }
            ("select", [projection]) => {
                let projected = self.expr(projection, &typed.types)?;
                if projection.counts() {
                    let found = typed.call(Function::Select, vec![projected.plan], Yields::Input);
                    return Ok(Typed { types: projected.types, ..found });
                }
                Ok(typed.then(Step::Select(projected.plan), projected.types))
            }
            ("ofType" | "as", [kind]) => self.of_type(typed, &type_argument(kind, at)?, at),
            ("is", [kind]) => {
                let test = self.is_test(&typed.types, &type_argument(kind, at)?, at)?;
                Ok(typed.call(test, Vec::new(), Yields::One("boolean")))
            }
            ("resolve", []) => Ok(typed.then(Step::Resolve, vec!["Resource".into()])),
            ("extension", [url]) => Ok(typed.then(extension(url, at)?, vec!["Extension".into()])),
            ("hasExtension", [url]) => {
                let found = typed.then(extension(url, at)?, vec!["Extension".into()]);
                Ok(found.call(Function::Exists, Vec::new(), Yields::One("boolean")))
            }
            ("union", [other]) => Ok(union(vec![typed, self.expr(other, focus)?])),
            ("iif", [condition, outcomes @ ..]) => self.choose(typed, condition, outcomes, at),
            ("trace", [_] | [_, _]) => Ok(typed),
            ("repeat" | "aggregate" | "sort", _) => self.looped(typed, name, arguments, at, focus),
            ("children" | "descendants", []) => {
                let model = self.model(at)?;
                let found = typed.call(
                    Function::Tree(name == "descendants", model),
                    Vec::new(),
                    Yields::Input,
                );
                Ok(Typed { types: vec![ANY.into()], ..found })
            }
            ("type", []) => Ok(typed.call(Function::TypeInfo, Vec::new(), Yields::One(TYPE_INFO))),
            ("conformsTo", [url]) => {
                let (model, url) = (self.model(at)?, self.expr(url, focus)?.plan);
                Ok(typed.call(Function::ConformsTo(model), vec![url], Yields::One("boolean")))
            }
            ("matches" | "matchesFull", [written]) => {
                let whole = name == "matchesFull";
                let pattern = ready(written, whole, at)?;
                let plan = self.expr(written, focus)?.plan;
                Ok(typed.call(
                    Function::Matches { whole, pattern },
                    vec![plan],
                    Yields::One("boolean"),
                ))
            }
            ("replaceMatches", [written, new]) => {
                let pattern = ready(written, false, at)?;
                let plans = vec![self.expr(written, focus)?.plan, self.expr(new, focus)?.plan];
                Ok(typed.call(Function::ReplaceMatches(pattern), plans, Yields::One("string")))
            }
            _ => self.listed(typed, name, arguments, at, focus),
        }
    }

    fn filter(&self, typed: Typed, criterion: &Expr) -> Result<Typed> {
        if typed.is_nothing() {
            return Ok(typed);
        }
        let plan = self.expr(criterion, &typed.types)?.plan;
        if criterion.counts() {
            return Ok(typed.call(Function::Where, vec![plan], Yields::Input));
        }
        let types = typed.types.clone();
        Ok(typed.then(Step::Where(plan), types))
    }

    /// The definitions as they last.
    fn model(&self, at: usize) -> Result<&'static dyn Model> {
        self.schema.model().ok_or_else(|| refuse("a function that is not offered here", at))
    }

    /// `iif` looks at its input, or at the focus where it stands alone.
    fn choose(
        &self,
        typed: Typed,
        condition: &Expr,
        outcomes: &[Expr],
        at: usize,
    ) -> Result<Typed> {
        let [first, second @ ..] = outcomes else { return Err(refuse("`iif` wants more", at)) };
        let condition = self.expr(condition, &typed.types)?.plan;
        let first = self.expr(first, &typed.types)?;
        let second = match second {
            [] => Typed::nothing(),
            [second] => self.expr(second, &typed.types)?,
            _ => return Err(refuse("`iif` takes three arguments at most", at)),
        };
        let mut types = first.types;
        types.extend(second.types);
        let plan = Plan::If(Box::new([condition, first.plan, second.plan]));
        Ok(typed.then(Step::Select(plan), distinct(types)))
    }

    /// A function of [`FUNCTIONS`].
    fn listed(
        &self,
        typed: Typed,
        name: &str,
        arguments: &[Expr],
        at: usize,
        focus: &[Text],
    ) -> Result<Typed> {
        let Some((_, function, count, yields)) = FUNCTIONS.iter().find(|entry| entry.0 == name)
        else {
            let shown = if name.len() <= 32 { name } else { "…" };
            return Err(refuse(&format!("the function `{shown}` is not offered"), at));
        };
        if !count.contains(&arguments.len()) {
            return Err(refuse(&format!("`{name}` takes {} arguments", count.start()), at));
        }
        let compiled = arguments.iter().map(|argument| self.expr(argument, focus));
        let compiled = compiled.collect::<Result<Vec<_>>>()?;
        let mut typed = typed;
        if matches!(function, Function::Combine) {
            let more = compiled.iter().flat_map(|other| other.types.iter().cloned());
            typed.types = distinct(typed.types.iter().cloned().chain(more).collect());
        }
        let plans = compiled.into_iter().map(|argument| argument.plan).collect();
        Ok(typed.call(function.clone(), plans, *yields))
    }
}

fn distinct(mut types: Vec<Text>) -> Vec<Text> {
    types.sort_unstable();
    types.dedup();
    types
}

/// A union without the arms that are always empty.
fn union(arms: Vec<Typed>) -> Typed {
    let mut arms: Vec<Typed> = arms.into_iter().filter(|arm| !arm.is_nothing()).collect();
    match arms.len() {
        0 => Typed::nothing(),
        1 => arms.remove(0),
        _ => {
            let types = arms.iter().flat_map(|arm| arm.types.iter().cloned()).collect();
            let plans = arms.into_iter().map(|arm| arm.plan).collect();
            Typed { plan: Plan::Union(plans), types: distinct(types) }
        }
    }
}

/// The type that an argument names: `Patient` or `FHIR.Patient`.
fn type_argument(expr: &Expr, at: usize) -> Result<Text> {
    let fault = || refuse("expected the name of a type", at);
    let Expr::Path(Head::Focus, steps) = expr else { return Err(fault()) };
    let mut name = Text::default();
    for step in steps {
        let StepKind::Member(part) = &step.kind else { return Err(fault()) };
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(part);
    }
    Ok(name)
}

/// The pattern, where it is written down.
fn ready(written: &Expr, whole: bool, at: usize) -> Result<Option<Regex>> {
    let Expr::Literal(text, "string") = written else { return Ok(None) };
    let text = text.as_str().unwrap_or_default();
    pattern(text, whole).map(Some).map_err(|why| refuse(why, at))
}

fn extension(url: &Expr, at: usize) -> Result<Step> {
    match url {
        Expr::Literal(url, "string") => {
            Ok(Step::Extension(url.as_str().unwrap_or_default().into()))
        }
        _ => Err(refuse("expected the extension's URL in quotes", at)),
    }
}
