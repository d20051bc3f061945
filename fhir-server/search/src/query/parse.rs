//! From pairs to a [`Query`].

use canonical_model::{Error, Issue, IssueCode, ResourceType, Result};

use super::criteria::{criterion, sealed};
use super::pairs::Pair;
use super::{Query, Sort, SortBy, Summary, Total};
use crate::catalogue::{Catalogue, TypePlan};
use crate::expr::Expr;
use crate::limits::{COUNT_DEFAULT, COUNT_MAX, SORT_FIELDS_MAX, TESTS_MAX};
use conformance::SearchParamKind;

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
}

/// Reads a search of one type.
///
/// # Errors
/// Invalid for a value that its parameter cannot have, and, in strict handling, for a parameter or
/// modifier that is not known.
pub fn parse(context: QueryContext<'_>, kind: ResourceType, pairs: &[Pair]) -> Result<Query> {
    let plan = context.catalogue.plan(kind)?;
    let mut query = Query {
        kind,
        filter: Expr::And(Vec::new()),
        sort: Vec::new(),
        count: COUNT_DEFAULT,
        total: Total::None,
        summary: Summary::False,
        elements: Vec::new(),
        page: None,
        applied: Vec::new(),
        ignored: Vec::new(),
    };
    let mut criteria = Vec::new();
    for (name, value) in pairs {
        match take(context, plan, &mut query, &mut criteria, name, value) {
            Ok(()) => query.applied.push((name.clone(), value.clone())),
            Err(Refusal::Unknown(issue)) if context.handling == Handling::Lenient => {
                query.ignored.push(Issue { severity: canonical_model::Severity::Warning, ..issue });
            }
            Err(Refusal::Unknown(issue)) => {
                return Err(Error::from_issues(canonical_model::Kind::Invalid, vec![issue]));
            }
            Err(Refusal::Bad(error)) => return Err(error),
        }
    }
    query.filter = Expr::And(criteria);
    if query.filter.tests() > TESTS_MAX {
        return Err(Error::invalid("The query asks for more than 4000 values. Split it."));
    }
    Ok(query)
}

/// Why a parameter was not taken.
pub(super) enum Refusal {
    /// Not understood: ignored or refused, as the client prefers.
    Unknown(Issue),
    /// Understood and wrong: refused always.
    Bad(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Bad(error)
    }
}

impl Refusal {
    pub(super) fn unknown(text: impl Into<String>) -> Self {
        Self::Unknown(Issue::error(IssueCode::NotSupported, text))
    }

    /// A known parameter asked for in a way that is not supported. Without it the answer would hold
    /// what the client excluded. <https://hl7.org/fhir/R4/search.html#modifiers>
    pub(super) fn unsupported(text: impl Into<String>) -> Self {
        let issue = Issue::error(IssueCode::NotSupported, text);
        Self::Bad(Error::from_issues(canonical_model::Kind::Invalid, vec![issue]))
    }

    pub(super) fn value(name: &str, text: &str) -> Self {
        let issue = Issue::error(IssueCode::Value, format!("{name}: {text}"));
        Self::Bad(Error::from_issues(canonical_model::Kind::Invalid, vec![issue]))
    }
}

fn take(
    context: QueryContext<'_>,
    plan: &TypePlan,
    query: &mut Query,
    criteria: &mut Vec<Expr>,
    name: &str,
    value: &str,
) -> Result<(), Refusal> {
    match name {
        "_count" => {
            let wish: usize = value
                .parse()
                .map_err(|_| Refusal::value(name, "expected a number of resources"))?;
            query.count = wish.min(COUNT_MAX);
        }
        "_sort" => query.sort = sort(plan, query.kind, value)?,
        "_total" => {
            query.total = match value {
                "none" => Total::None,
                "accurate" | "estimate" => Total::Accurate,
                _ => return Err(Refusal::value(name, "expected none, estimate or accurate")),
            };
        }
        "_summary" => {
            query.summary = Summary::parse(value)
                .ok_or_else(|| Refusal::value(name, "expected true, text, data, count or false"))?;
        }
        "_elements" => {
            query.elements = value.split(',').map(|e| e.trim().to_owned()).collect();
        }
        "_page" => query.page = Some(value.to_owned()),
        "_format" | "_pretty" => {}
        _ => criteria.push(criterion(context, plan, query.kind, name, value)?),
    }
    Ok(())
}

fn sort(plan: &TypePlan, kind: ResourceType, value: &str) -> Result<Vec<Sort>, Refusal> {
    if value.split(',').count() > SORT_FIELDS_MAX {
        return Err(Refusal::value("_sort", "more than 8 fields"));
    }
    value.split(',').map(|field| sort_field(plan, kind, field.trim())).collect()
}

fn sort_field(plan: &TypePlan, kind: ResourceType, field: &str) -> Result<Sort, Refusal> {
    let (code, descending) = match field.strip_prefix('-') {
        Some(code) => (code, true),
        None => (field, false),
    };
    let by = match code {
        "_lastUpdated" => SortBy::Updated,
        "_id" => SortBy::Id,
        _ => {
            let unknown = || Refusal::unknown(format!("_sort: cannot sort by `{}`", tame(code)));
            let found = plan.find(code).ok_or_else(unknown)?;
            match found.definition.kind {
                _ if found.is_hidden() => return Err(sealed(kind, code)),
                SearchParamKind::Date => SortBy::Date {
                    param: found.param,
                    timed: plan.timeline_date == Some(found.param),
                },
                SearchParamKind::String => SortBy::Text(found.lookups()),
                _ => return Err(unknown()),
            }
        }
    };
    Ok(Sort { by, descending })
}

/// A parameter's name as it may be shown: it is the sender's text.
pub(super) fn tame(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || "_-:.".contains(*c)).take(64).collect()
}
