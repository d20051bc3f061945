//! The search parameters of each type, ready for use: hashed, compiled, and placed in the index.

use std::collections::HashSet;
use std::sync::OnceLock;

use canonical_model::fhirpath::Path;
use canonical_model::{Error, ResourceType, Result};
use conformance::{Registry, SearchParam, SearchParamKind};

use crate::expr::Breadth;
use crate::keys::{Hasher, Param};
use crate::sealed::overlaps;
use crate::timeline;

/// All search parameters, compiled a type at a time when it is first used.
#[derive(Debug)]
pub struct Catalogue {
    hasher: Hasher,
    types: Vec<OnceLock<TypePlan>>,
    /// Paths of elements that are stored sealed.
    pub(crate) sealed: Vec<String>,
    pub(crate) hidden: OnceLock<HashSet<&'static str>>,
}

/// The parameters of one type.
#[derive(Debug, Default)]
pub struct TypePlan {
    /// Sorted by code.
    pub params: Vec<ParamPlan>,
    /// The date parameter that `timeline_index` is in the order of.
    pub timeline_date: Option<Param>,
}

/// One parameter of one type.
#[derive(Debug)]
pub struct ParamPlan {
    /// Its definition.
    pub definition: &'static SearchParam,
    /// The hash its values are indexed under. `patient` shares that of `subject` where its
    /// expression only narrows the type: a reference's hash holds the type already.
    pub param: Param,
    /// Its own hash, for presence.
    pub own: Param,
    /// The types it can point to; empty is any.
    pub targets: Vec<ResourceType>,
    /// Where its values are; `None` where it has no expression that R4 defines.
    pub path: Option<Path>,
    /// Its values are already indexed by the parameter it shares the hash with.
    pub alias: bool,
    /// Parameters whose values are all values of this one, as `family` of `name`. A value is indexed
    /// under one of them alone; see [`ParamPlan::lookups`].
    pub parts: Vec<Param>,
    /// How many resources its values tend to share.
    pub breadth: Breadth,
    /// Whether its references put the resource into a patient's compartment.
    pub compartment: bool,
    /// Whether `timeline_index` holds its keys.
    pub timed: bool,
    /// Whether its values may be of elements that are stored sealed.
    pub sealed: bool,
}

impl Catalogue {
    /// The catalogue of R4 for one database's hash.
    #[must_use]
    pub fn new(hasher: Hasher) -> Self {
        Self::with_sealed(hasher, Vec::new())
    }

    /// The same where the elements at these paths are stored sealed.
    #[must_use]
    pub fn with_sealed(hasher: Hasher, sealed: Vec<String>) -> Self {
        let types = ResourceType::all().map(|_| OnceLock::new()).collect();
        Self { hasher, types, sealed, hidden: OnceLock::new() }
    }

    /// The database's hash.
    #[must_use]
    pub fn hasher(&self) -> &Hasher {
        &self.hasher
    }

    /// The parameters of a type.
    ///
    /// # Errors
    /// Internal where a published expression does not compile: a defect that the tests exclude.
    pub fn plan(&self, kind: ResourceType) -> Result<&TypePlan> {
        let index = usize::try_from(kind.number()).unwrap_or(usize::MAX);
        let slot = self.types.get(index).ok_or_else(|| Error::internal("a type without a plan"))?;
        if let Some(plan) = slot.get() {
            return Ok(plan);
        }
        let plan = TypePlan::compile(kind, &self.hasher, &self.sealed)?;
        Ok(slot.get_or_init(|| plan))
    }
}

impl TypePlan {
    fn compile(kind: ResourceType, hasher: &Hasher, sealed: &[String]) -> Result<Self> {
        let registry = Registry::r4();
        let definitions = registry.search_params(kind);
        let compartment = registry.patient_compartment(kind);
        let timeline = timeline::of(kind);
        let mut params = Vec::with_capacity(definitions.len());
        for definition in definitions {
            let code = definition.code;
            let owner = shared_with(definition, definitions).unwrap_or(code);
            let path = match definition.expression {
                "" => None,
                text => Some(Path::compile(text, kind.name(), registry)?),
            };
            params.push(ParamPlan {
                definition,
                param: hasher.param(kind, owner),
                own: hasher.param(kind, code),
                targets: targets(definition),
                path,
                alias: owner != code,
                parts: parts(kind, definition, definitions, hasher),
                breadth: breadth(definition),
                compartment: compartment.iter().any(|c| *c == code || *c == owner),
                timed: timeline.is_some_and(|t| t.keys.contains(&code)),
                sealed: overlaps(kind, definition.expression, sealed),
            });
        }
        params.sort_by(|a, b| a.definition.code.cmp(b.definition.code));
        let timeline_date = timeline.map(|t| hasher.param(kind, t.date));
        Ok(Self { params, timeline_date })
    }

    /// A parameter by its code.
    #[must_use]
    pub fn find(&self, code: &str) -> Option<&ParamPlan> {
        let at = self.params.binary_search_by(|p| p.definition.code.cmp(code)).ok()?;
        self.params.get(at)
    }
}

impl ParamPlan {
    /// Whether its values are not indexed, because they are sealed and would lie open in the index.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        let open = matches!(
            self.definition.kind,
            SearchParamKind::String
                | SearchParamKind::Date
                | SearchParamKind::Number
                | SearchParamKind::Quantity
        );
        open && self.sealed
    }

    /// Every parameter that a value of this one may be indexed under.
    #[must_use]
    pub fn lookups(&self) -> Vec<Param> {
        std::iter::once(self.param).chain(self.parts.iter().copied()).collect()
    }
}

/// The parameters whose values are all values of `whole`: each of their expressions is one of its own,
/// or selects from one.
fn parts(
    kind: ResourceType,
    whole: &SearchParam,
    all: &[SearchParam],
    hasher: &Hasher,
) -> Vec<Param> {
    let of = |param: &'static str| param.split('|').map(str::trim).filter(|e| is_of(e, kind));
    let is_part = |part: &&SearchParam| {
        part.code != whole.code
            && part.kind == whole.kind
            && part.expression != whole.expression
            && shared_with(part, all).is_none_or(|owner| owner == part.code)
            && of(part.expression).count() > 0
            && of(part.expression)
                .all(|inner| of(whole.expression).any(|outer| selects(part.kind, inner, outer)))
    };
    all.iter().filter(is_part).map(|part| hasher.param(kind, part.code)).collect()
}

fn is_of(expression: &str, kind: ResourceType) -> bool {
    let path = expression.trim_start_matches('(');
    path.strip_prefix(kind.name()).is_some_and(|rest| rest.starts_with('.'))
}

/// Whether `inner` yields only values that `outer` is indexed under too.
fn selects(kind: SearchParamKind, inner: &str, outer: &str) -> bool {
    let rest = inner.strip_prefix(outer);
    match kind {
        SearchParamKind::String => rest.is_some_and(|rest| {
            rest.is_empty() || rest.strip_prefix('.').is_some_and(crate::extract::is_string_part)
        }),
        // Where a key drives a search it must be the only one, so only rare values may have several.
        SearchParamKind::Token => rest.is_some_and(|rest| rest.starts_with(".where(system=")),
        SearchParamKind::Number | SearchParamKind::Quantity => inner == outer,
        SearchParamKind::Date
        | SearchParamKind::Reference
        | SearchParamKind::Uri
        | SearchParamKind::Composite
        | SearchParamKind::Special => false,
    }
}

/// The parameter whose values include this one's: `X` for `X.where(resolve() is Patient)`, and the
/// first of several with one expression.
fn shared_with<'a>(param: &SearchParam, all: &'a [SearchParam]) -> Option<&'a str> {
    let expression = param.expression;
    let wide = match expression.split_once(".where(resolve() is ") {
        Some((wide, rest)) if rest.ends_with(')') && !rest.contains('|') => wide,
        _ => expression,
    };
    let same = |other: &&SearchParam| {
        other.kind == param.kind && !wide.is_empty() && other.expression == wide
    };
    all.iter().filter(same).map(|other| other.code).min()
}

/// An expression that ends in `resolve() is Patient` allows only that, whatever the list says.
fn targets(param: &SearchParam) -> Vec<ResourceType> {
    let named = param.expression.rsplit_once("resolve() is ").map(|(_, rest)| rest);
    let only = named.and_then(|rest| ResourceType::find(rest.trim_end_matches(')')));
    match only {
        Some(kind) if !param.expression.contains('|') => vec![kind],
        _ => param.targets.clone(),
    }
}

fn breadth(param: &SearchParam) -> Breadth {
    match (param.kind, param.code) {
        (SearchParamKind::Token, "identifier") | (SearchParamKind::Uri, "url") => Breadth::Unique,
        (SearchParamKind::Reference, _) => Breadth::Owned,
        (
            SearchParamKind::Token,
            "code" | "combo-code" | "vaccine-code" | "email" | "phone" | "telecom",
        ) => Breadth::Coded,
        (SearchParamKind::Uri, _) => Breadth::Coded,
        _ => Breadth::Common,
    }
}
