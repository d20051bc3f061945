//! One search criterion: a parameter, its modifier and its values, as an expression. One file per kind
//! of parameter.

mod canonical;
mod chain;
mod composite;
mod concept;
mod date;
mod filter;
mod implicit;
mod in_words;
mod number;
mod operator;
mod reference;
mod special;
mod text;
mod token;
mod values;

pub(super) use chain::canonical as along_canonical;
pub use in_words::in_words;
pub(super) use operator::Operator;

use canonical_model::{ResourceId, ResourceType};
use conformance::SearchParamKind;

use super::parse::{QueryContext, few_enough};
use super::refusal::{Refusal, tame};
use super::spelling::{near, near_modifier};
use crate::catalogue::ParamPlan;
use crate::expr::Expr;
use crate::limits::OR_VALUES_MAX;

type Parsed = Result<Expr, Refusal>;

/// The values of a parameter of which one must match, as they are written: parted by commas that are not escaped.
#[must_use]
pub fn alternatives(value: &str) -> Vec<&str> {
    values::split(value, ',')
}

/// A parameter with its modifier and values, ready to be read by its kind.
struct Criterion<'a> {
    context: QueryContext<'a>,
    kind: ResourceType,
    param: &'a ParamPlan,
    modifier: Option<&'a str>,
    values: Vec<&'a str>,
}

impl Criterion<'_> {
    fn name(&self) -> &str {
        &self.param.definition.code
    }

    fn is_quantity(&self) -> bool {
        self.param.definition.kind == SearchParamKind::Quantity
    }

    /// Whether the reference may point to the type.
    fn allows(&self, kind: ResourceType) -> bool {
        self.param.targets.is_empty() || self.param.targets.contains(&kind)
    }

    fn wrong(&self, text: &str) -> Refusal {
        Refusal::value(self.name(), text)
    }

    fn unsupported(&self) -> Refusal {
        let modifier = self.modifier.unwrap_or_default();
        let near = near_modifier(self.param, modifier);
        Refusal::unsupported(format!(
            "{}.{}: the modifier `{}` is not supported on this parameter{near}",
            self.kind,
            self.name(),
            tame(modifier)
        ))
    }
}

/// Reads one criterion on a type. `fan` is how many readings its chain has so far.
pub(super) fn criterion(
    context: QueryContext<'_>,
    kind: ResourceType,
    name: &str,
    value: &str,
    fan: usize,
) -> Parsed {
    if let Some(rest) = name.strip_prefix("_has:") {
        return chain::has(context, kind, rest, value, fan);
    }
    if let Some((first, rest)) = name.split_once('.') {
        return chain::chain(context, kind, (first, rest), value, fan);
    }
    let (code, modifier) = match name.split_once(':') {
        Some((code, modifier)) => (code, Some(modifier)),
        None => (name, None),
    };
    if code == "_filter" && modifier.is_none() {
        return filter::filter(context, kind, value, fan);
    }
    values::balanced(&tame(name), value)?;
    let values = values::split(value, ',');
    if values.len() > OR_VALUES_MAX {
        let first = values.get(OR_VALUES_MAX).copied().unwrap_or_default();
        return Err(Refusal::value(&tame(name), "more than 1000 values").about(first));
    }
    if let Some(special) = special::common(context, kind, code, modifier, &values) {
        return special;
    }
    let param = known(context, kind, code)?;
    if let Some(operator) = context.operator {
        operator.check(code, param.definition.kind, &values)?;
    }
    let it = Criterion { context, kind, param, modifier, values };
    if modifier == Some("missing") {
        return missing(&it);
    }
    if param.is_hidden() || (param.sealed && modifier == Some("text")) {
        return Err(sealed(kind, code));
    }
    let letters = param.definition.kind == SearchParamKind::String;
    let is_empty = |value: &&&str| value.is_empty() || (**value == "|" && !letters);
    if let Some(empty) = it.values.iter().find(is_empty) {
        return Err(it.wrong("the value is empty").about(empty));
    }
    by_kind(&it)
}

/// A search for what is not indexed would find nothing, which is not the truth.
pub(super) fn sealed(kind: ResourceType, code: &str) -> Refusal {
    let text = "its values are stored sealed, so they are neither searched nor sorted by";
    Refusal::unsupported(format!("{kind}.{code}: {text}"))
}

/// The parameter of a type, or what it may have been meant to be.
fn known<'a>(
    context: QueryContext<'a>,
    kind: ResourceType,
    code: &str,
) -> Result<&'a ParamPlan, Refusal> {
    let plan = context.catalogue.plan(kind)?;
    let param = plan.find(code).ok_or_else(|| {
        let offered = near(plan, code);
        Refusal::unknown(format!("{kind} has no search parameter `{}`{offered}", tame(code)))
    })?;
    context.note(kind, param);
    Ok(param)
}

fn by_kind(it: &Criterion<'_>) -> Parsed {
    match it.param.definition.kind {
        SearchParamKind::Token => token::criterion(it),
        SearchParamKind::String => text::criterion(it),
        SearchParamKind::Date => date::criterion(it),
        SearchParamKind::Reference => reference::criterion(it),
        SearchParamKind::Uri => canonical::uri(it),
        SearchParamKind::Number | SearchParamKind::Quantity => number::criterion(it),
        SearchParamKind::Composite => composite::criterion(it),
        SearchParamKind::Special => special::near(it),
    }
}

/// One value or several: comma means or.
fn any(values: &[&str], each: impl Fn(&str) -> Parsed) -> Parsed {
    let each = |value: &&str| each(value).map_err(|refusal| refusal.about(value));
    Ok(Expr::any(gather(values.iter().map(each))?))
}

/// Takes parts as long as a query may hold their tests: what is more is refused before it is made.
fn gather(parts: impl Iterator<Item = Parsed>) -> Result<Vec<Expr>, Refusal> {
    let (mut all, mut tests) = (Vec::new(), 0);
    for part in parts {
        let part = part?;
        tests += part.tests();
        few_enough(tests)?;
        all.push(part);
    }
    Ok(all)
}

fn identity(context: QueryContext<'_>, kind: ResourceType, values: &[&str]) -> Expr {
    let hasher = context.catalogue.hasher();
    // An illegal id names nothing; it is a miss, not a fault of syntax.
    let legal = values.iter().filter(|v| ResourceId::is_legal(v));
    Expr::Identity(legal.map(|v| hasher.identity(kind, v)).collect())
}

fn missing(it: &Criterion<'_>) -> Parsed {
    let present = Expr::mark(it.context.catalogue.hasher().present(it.param.own));
    match it.values.as_slice() {
        ["true"] => Ok(Expr::Not(Box::new(present))),
        ["false"] => Ok(present),
        values => {
            let at = values.first().copied().unwrap_or_default();
            Err(it.wrong(":missing is true or false").about(at))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_not_made_first() {
        let mut made = 0;
        let parts = std::iter::repeat_with(|| {
            made += 1;
            Ok(Expr::And(vec![Expr::Owned(1); 128]))
        });
        assert!(gather(parts.take(1_000)).is_err());
        assert_eq!(made, 32);
    }
}
