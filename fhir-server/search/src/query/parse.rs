//! From pairs to a [`Query`].

use std::sync::{Mutex, PoisonError};

use canonical_model::{Error, Issue, IssueCode, ResourceType, Result};

use super::criteria::criterion;
use super::include::include;
use super::pairs::Pair;
use super::sort::sort;
use super::{Query, Summary, Total, UsedCustom};
use crate::catalogue::{Catalogue, ParamPlan, TypePlan};
use crate::expr::Expr;
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
        Self { catalogue, base, handling, terms, depth: 0, used: None }
    }

    /// Notes that a parameter of a type is used.
    pub(super) fn note(&self, kind: ResourceType, param: &ParamPlan) {
        let (Some(digest), Some(used)) = (param.custom, self.used) else { return };
        let name = format!("{kind}.{}", param.definition.code);
        let mut used = used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.iter().all(|known| known.name != name) {
            used.push(UsedCustom { digest, name });
        }
    }
}

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
    if query.summary == Summary::Text && !query.includes.is_empty() {
        let text = "_summary: text is not mixed with _include or _revinclude";
        return Err(Error::invalid(text));
    }
    query.filter = Expr::And(criteria);
    if query.filter.tests() > TESTS_MAX {
        return Err(Error::invalid("The query asks for more than 4000 values. Split it."));
    }
    query.customs = used.into_inner().unwrap_or_else(PoisonError::into_inner);
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

    /// The same, refused always.
    pub(super) fn hard(self) -> Self {
        match self {
            Self::Unknown(issue) => {
                Self::Bad(Error::from_issues(canonical_model::Kind::Invalid, vec![issue]))
            }
            bad @ Self::Bad(_) => bad,
        }
    }

    pub(super) fn value(name: &str, text: &str) -> Self {
        let issue = Issue::error(IssueCode::Value, format!("{name}: {text}"));
        Self::Bad(Error::from_issues(canonical_model::Kind::Invalid, vec![issue]))
    }
}

/// More codes than one value may mean.
pub(super) fn too_many(place: &str, most: usize) -> Refusal {
    let text = format!("{place}: these are more than {most} codes. Name fewer, or a narrower set.");
    let issue = Issue::error(IssueCode::TooCostly, text).at(place);
    Refusal::Bad(Error::from_issues(canonical_model::Kind::TooLarge, vec![issue]))
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
        "_sort" => query.sort = sort(context, plan, query.kind, value)?,
        "_total" => {
            query.total = match value {
                "none" => Total::None,
                "estimate" => Total::Estimate,
                "accurate" => Total::Accurate,
                _ => return Err(Refusal::value(name, "expected none, estimate or accurate")),
            };
        }
        "_summary" => {
            query.summary = Summary::parse(value)
                .ok_or_else(|| Refusal::value(name, "expected true, text, data, count or false"))?;
        }
        _ if name.starts_with("_include") || name.starts_with("_revinclude") => {
            query.includes.extend(include(context, query.kind, name, value)?);
            if query.includes.len() > INCLUDES_MAX {
                return Err(Refusal::value("_include", "more than 200 includes"));
            }
        }
        // Of the answer and its place, which the search itself does not depend on.
        "_format" | "_pretty" | "_elements" | "_page" => {}
        _ => criteria.push(criterion(context, query.kind, name, value, 1)?),
    }
    Ok(())
}

/// A parameter's name as it may be shown: it is the sender's text.
pub(super) fn tame(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || "_-:.".contains(*c)).take(64).collect()
}
