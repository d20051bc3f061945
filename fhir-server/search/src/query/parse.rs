//! From pairs to a [`Query`].

use std::sync::{Mutex, PoisonError};

use canonical_model::{Error, Issue, ResourceType, Result};

use super::criteria::{Operator, criterion};
use super::include::include;
use super::pairs::Pair;
use super::refusal::{Refusal, place};
use super::sort::sort;
use super::{Query, Summary, Total, UsedCustom};
use crate::catalogue::{Catalogue, ParamPlan, TypePlan};
use crate::expr::Expr;
use crate::keys::Param;
use crate::limits::{COUNT_DEFAULT, COUNT_MAX, INCLUDES_MAX, TESTS_MAX};
use crate::terms::Terms;

/// `Prefer: handling`. <https://hl7.org/fhir/R4/search.html#errors>
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Handling {
    /// What is not understood is ignored, and said so.
    #[default]
    Lenient,
    /// What is not understood is refused.
    Strict,
}

/// What reading a query needs to know.
#[derive(Clone, Copy, Debug)]
pub struct QueryContext<'a> {
    /// The parameters.
    pub catalogue: &'a Catalogue,
    /// The FHIR base URL: references below it are local.
    pub base: &'a str,
    /// What to do with the unknown.
    pub handling: Handling,
    /// The answers of terminology.
    pub terms: &'a Terms,
    /// How many links of a chain lead here.
    pub(super) depth: usize,
    /// Where the parameters of one's own are noted that are used.
    pub(super) used: Option<&'a Mutex<Vec<UsedCustom>>>,
    /// What a test of a `_filter` asks of the parameter that its name ends in.
    pub(super) operator: Option<Operator>,
}

impl<'a> QueryContext<'a> {
    /// The context of a whole query.
    #[must_use]
    pub fn new(
        catalogue: &'a Catalogue,
        base: &'a str,
        handling: Handling,
        terms: &'a Terms,
    ) -> Self {
        Self { catalogue, base, handling, terms, depth: 0, used: None, operator: None }
    }

    /// Notes that a parameter of a type is used.
    pub(super) fn note(&self, kind: ResourceType, param: &ParamPlan) {
        let (Some(digest), Some(used)) = (param.custom, self.used) else { return };
        let name = format!("{kind}.{}", param.definition.code);
        let mut used = used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.iter().all(|known| known.name != name) {
            let left_out = self.catalogue.hasher().left_out(param.own);
            used.push(UsedCustom { digest, name, left_out });
        }
    }
}

/// Parameters of the answer and of where to search: none has modifiers.
pub(super) const CONTROLS: [&str; 10] = [
    "_count",
    "_sort",
    "_total",
    "_summary",
    "_elements",
    "_format",
    "_pretty",
    "_page",
    "_explain",
    "_type",
];

/// Reads a search of one type.
///
/// # Errors
/// Invalid for a value that its parameter cannot have, and, in strict handling, for a parameter or
/// modifier that is not known; TooLarge where a term has more codes than one value may mean.
pub fn parse(context: QueryContext<'_>, kind: ResourceType, pairs: &[Pair]) -> Result<Query> {
    let used = Mutex::default();
    let context = QueryContext { used: Some(&used), ..context };
    let plan = context.catalogue.plan(kind)?;
    let mut query = Query {
        kind,
        filter: Expr::And(Vec::new()),
        sort: Vec::new(),
        includes: Vec::new(),
        count: COUNT_DEFAULT,
        total: Total::None,
        summary: Summary::False,
        applied: Vec::new(),
        ignored: Vec::new(),
        customs: Vec::new(),
    };
    let mut criteria = Vec::new();
    for (number, (name, value)) in pairs.iter().enumerate() {
        once(pairs, number, name)?;
        let taken = take(context, plan, &mut query, &mut criteria, name, value);
        match taken.map_err(|refusal| refusal.of(name, value)) {
            Ok(()) => {
                let value = if name == "_count" { query.count.to_string() } else { value.clone() };
                query.applied.push((name.clone(), value));
            }
            Err(Refusal::Unknown(issue)) if context.handling == Handling::Lenient => {
                query.ignored.push(ignored(name, issue));
            }
            Err(refusal) => return Err(refusal.error()),
        }
        if criteria.iter().map(Expr::tests).sum::<usize>() > TESTS_MAX {
            let text = "The query asks for more than 4000 values up to here. Split it.";
            return Err(Error::invalid(text).at(&place(name)));
        }
    }
    if query.summary == Summary::Text && !query.includes.is_empty() {
        let text = "_summary: text is not mixed with _include or _revinclude";
        return Err(Error::invalid(text));
    }
    query.filter = Expr::And(single_dates(plan, criteria));
    query.customs = used.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(query)
}

/// Refuses what says twice how the answer is to be: which of them is meant?
fn once(pairs: &[Pair], number: usize, name: &str) -> Result<()> {
    let before = || pairs.iter().take(number).any(|(other, _)| other == name);
    if CONTROLS.contains(&name) && before() {
        let text = format!("{name}: it is there twice; say it once, several values with commas");
        return Err(Error::invalid(text).at(&place(name)));
    }
    Ok(())
}

/// What the answer says of a parameter that is left out. A part of an order is another order, so of `_sort`
/// all is left out.
fn ignored(name: &str, mut issue: Issue) -> Issue {
    if name == "_sort" {
        issue.diagnostics.push_str("; the whole _sort is ignored");
    }
    Issue { severity: canonical_model::Severity::Warning, ..issue }
}

/// Of a parameter that has one value, all its tests are of that value: so a search between two dates reads
/// what lies between them, and not all behind the one and before the other.
fn single_dates(plan: &TypePlan, criteria: Vec<Expr>) -> Vec<Expr> {
    let single = |of: Param| plan.params.iter().any(|param| param.param == of && param.single);
    let mut kept: Vec<Expr> = Vec::with_capacity(criteria.len());
    for criterion in criteria {
        let Expr::Date(param, test) = criterion else {
            kept.push(criterion);
            continue;
        };
        let same = kept.iter_mut().find_map(|other| match other {
            Expr::OneDate(of, tests) if *of == param => Some(tests),
            _ => None,
        });
        match same {
            Some(tests) => tests.push(test),
            None if single(param) => kept.push(Expr::OneDate(param, vec![test])),
            None => kept.push(criterion),
        }
    }
    kept
}

/// Refuses more tests than one query may hold.
///
/// # Errors
/// Invalid.
pub(super) fn few_enough(tests: usize) -> Result<()> {
    if tests > TESTS_MAX {
        let text = format!("The query asks for more than {TESTS_MAX} values. Split it.");
        return Err(Error::invalid(text));
    }
    Ok(())
}

fn take(
    context: QueryContext<'_>,
    plan: &TypePlan,
    query: &mut Query,
    criteria: &mut Vec<Expr>,
    name: &str,
    value: &str,
) -> Result<(), Refusal> {
    if let Some((code, _)) = name.split_once(':').filter(|(code, _)| CONTROLS.contains(code)) {
        let text = format!("{code}: it has no modifiers; leave out the `:` and what is behind it");
        return Err(Refusal::unsupported(text));
    }
    match name {
        "_count" => {
            let wish: usize = value
                .parse()
                .map_err(|_| Refusal::value(name, "expected a number of resources").about(value))?;
            query.count = wish.min(COUNT_MAX);
        }
        "_sort" => query.sort = sort(context, plan, query.kind, value)?,
        "_total" => {
            query.total = match value {
                "none" => Total::None,
                "estimate" => Total::Estimate,
                "accurate" => Total::Accurate,
                _ => {
                    let text = "expected none, estimate or accurate";
                    return Err(Refusal::value(name, text).about(value));
                }
            };
        }
        "_summary" => {
            let text = "expected true, text, data, count or false";
            query.summary =
                Summary::parse(value).ok_or_else(|| Refusal::value(name, text).about(value))?;
        }
        _ if matches!(name.split(':').next(), Some("_include" | "_revinclude")) => {
            query.includes.extend(include(context, query.kind, name, value)?);
            if query.includes.len() > INCLUDES_MAX {
                return Err(Refusal::value("_include", "more than 200 includes"));
            }
        }
        // Of the answer and its place, which the search itself does not depend on.
        "_pretty" if !matches!(value, "true" | "false") => {
            return Err(Refusal::unknown("_pretty: expected true or false"));
        }
        "_format" | "_pretty" | "_elements" | "_page" => {}
        _ => criteria.push(criterion(context, query.kind, name, value, 1)?),
    }
    Ok(())
}
