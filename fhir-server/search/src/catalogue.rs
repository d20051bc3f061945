//! The search parameters of each type, ready for use: hashed, compiled, and placed in the index.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use canonical_model::fhirpath::Path;
use canonical_model::json::Text;
use canonical_model::{Error, ResourceType, Result};
use conformance::{Component, Registry, SearchParam, SearchParamKind};

use crate::custom::Custom;
use crate::entries::INDEX_FORM;
use crate::expr::Breadth;
use crate::keys::{Hasher, Param};
use crate::sealed::{overlaps, tells};
use crate::timeline;

/// All search parameters, compiled a type at a time when it is first used.
#[derive(Debug)]
pub struct Catalogue {
    hasher: Hasher,
    types: Vec<OnceLock<TypePlan>>,
    /// Paths of elements that are stored sealed.
    pub(crate) sealed: Vec<String>,
    pub(crate) hidden: OnceLock<HashSet<Cow<'static, str>>>,
    customs: Vec<Custom>,
    form: Form,
}

/// What an index is built with. Another of it is another index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// Names all of it together. Never 0.
    pub goal: i64,
    /// Names what is stored sealed; 0 where nothing is.
    pub seals: i64,
}

impl Form {
    /// What names these sealed paths, in whatever order they are set, and the key of their blind index; 0 for none.
    #[must_use]
    pub fn seals(hasher: &Hasher, sealed: &[String]) -> i64 {
        let mut paths: Vec<&str> = sealed.iter().map(String::as_str).collect();
        paths.sort_unstable();
        let mut text = paths.join("\n");
        if let Some(name) = hasher.blind_name() {
            text = format!("{text}\n{name}");
        }
        if paths.is_empty() { 0 } else { hasher.digest(text.as_bytes()) }
    }

    fn new(hasher: &Hasher, sealed: &[String], customs: &[Custom]) -> Self {
        let seals = Self::seals(hasher, sealed);
        let mut text = format!("{INDEX_FORM} {seals}");
        let mut digests: Vec<i64> = customs.iter().map(|custom| custom.digest).collect();
        digests.sort_unstable();
        for digest in digests {
            text = format!("{text} {digest}");
        }
        let goal = hasher.digest(text.as_bytes());
        Self { goal: if goal == 0 { 1 } else { goal }, seals }
    }
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
    pub definition: Arc<SearchParam>,
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
    /// A composite's parts, in order.
    pub composite: Vec<Part>,
    /// Whether its parameters in `parts` hold all of its values, so that it needs none of its own.
    pub covered: bool,
    /// Whether a resource has at most one value of it.
    pub single: bool,
    /// Whether its values may be of elements that are stored sealed.
    pub sealed: bool,
    /// The digest of its definition, where that is a resource here and not FHIR's.
    pub custom: Option<i64>,
}

/// A part of a composite.
#[derive(Debug)]
pub struct Part {
    /// The parameter of the type that says how the part is asked for.
    pub code: Cow<'static, str>,
    /// That parameter's kind.
    pub kind: SearchParamKind,
    /// What a reference may point to.
    pub targets: Vec<ResourceType>,
    /// Where it is.
    pub path: PartPath,
}

/// Where a composite's part is.
#[derive(Debug)]
pub enum PartPath {
    /// Below the composite's own element, by the element's type.
    OfItem(Vec<(Text, Path)>),
    /// Below the resource, the same for every element.
    OfResource(Path),
}

impl Part {
    /// Whether its values have an order, so that it can be compared.
    #[must_use]
    pub fn is_ordered(&self) -> bool {
        matches!(
            self.kind,
            SearchParamKind::Quantity
                | SearchParamKind::Number
                | SearchParamKind::Date
                | SearchParamKind::String
        )
    }
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
        Self::with_customs(hasher, sealed, Vec::new())
    }

    /// The same with search parameters of one's own.
    #[must_use]
    pub fn with_customs(hasher: Hasher, sealed: Vec<String>, customs: Vec<Custom>) -> Self {
        let types = ResourceType::all().map(|_| OnceLock::new()).collect();
        let form = Form::new(&hasher, &sealed, &customs);
        Self { hasher, types, sealed, hidden: OnceLock::new(), customs, form }
    }

    /// The search parameters of one's own.
    #[must_use]
    pub fn customs(&self) -> &[Custom] {
        &self.customs
    }

    /// What an index is built with by these parameters.
    #[must_use]
    pub fn form(&self) -> &Form {
        &self.form
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
        let plan = TypePlan::compile(kind, &self.hasher, &self.sealed, &self.customs)?;
        Ok(slot.get_or_init(|| plan))
    }
}

impl TypePlan {
    fn compile(
        kind: ResourceType,
        hasher: &Hasher,
        sealed: &[String],
        customs: &[Custom],
    ) -> Result<Self> {
        let registry = Registry::r4();
        let definitions = registry.search_params(kind);
        let compartment = registry.patient_compartment(kind);
        let timeline = timeline::of(kind);
        let mut params = Vec::with_capacity(definitions.len());
        for definition in definitions {
            let code: &str = &definition.code;
            let owner = shared_with(definition, definitions).unwrap_or(code);
            let path = match &*definition.expression {
                "" => None,
                text => Some(Path::compile(text, kind.name(), registry)?),
            };
            let composite = match &path {
                Some(path) => composite(definition, definitions, path, kind)?,
                None => Vec::new(),
            };
            params.push(ParamPlan {
                definition: Arc::new(definition.clone()),
                param: hasher.param(kind, owner),
                own: hasher.param(kind, code),
                targets: targets(definition),
                single: path.as_ref().is_some_and(|path| is_single(kind, path)),
                path,
                alias: owner != code,
                parts: parts(kind, definition, definitions, hasher),
                breadth: breadth(definition),
                compartment: compartment.iter().any(|c| *c == code || *c == owner),
                timed: timeline.is_some_and(|t| t.keys.contains(&code)),
                composite,
                covered: definition.kind == SearchParamKind::Composite
                    && is_covered(kind, definition, definitions),
                sealed: std::iter::once(definition)
                    .chain(components(definition, definitions))
                    .any(|param| overlaps(kind, &param.expression, sealed)),
                custom: None,
            });
        }
        for custom in customs {
            for (_, definition) in custom.uses.iter().filter(|(of, _)| *of == kind) {
                params.push(ParamPlan::custom(kind, definition, custom.digest, hasher, sealed)?);
            }
        }
        params.sort_by(|a, b| a.definition.code.cmp(&b.definition.code));
        let timeline_date = timeline.map(|t| hasher.param(kind, t.date));
        Ok(Self { params, timeline_date })
    }

    /// A parameter by its code.
    #[must_use]
    pub fn find(&self, code: &str) -> Option<&ParamPlan> {
        let at = self.params.binary_search_by(|p| (*p.definition.code).cmp(code)).ok()?;
        self.params.get(at)
    }
}

impl ParamPlan {
    /// One of one's own. It shares nothing with others, so that it can come and go.
    fn custom(
        kind: ResourceType,
        definition: &SearchParam,
        digest: i64,
        hasher: &Hasher,
        sealed: &[String],
    ) -> Result<Self> {
        let param = hasher.param(kind, &format!("{}#{digest:x}", definition.code));
        let path = Path::compile(&definition.expression, kind.name(), Registry::r4())?;
        Ok(Self {
            param,
            own: param,
            targets: targets(definition),
            single: is_single(kind, &path),
            path: Some(path),
            alias: false,
            parts: Vec::new(),
            breadth: breadth(definition),
            compartment: false,
            timed: false,
            composite: Vec::new(),
            covered: false,
            sealed: tells(kind, &definition.expression, sealed),
            custom: Some(digest),
            definition: Arc::new(definition.clone()),
        })
    }

    /// Whether its values are not indexed, because they are sealed and would lie open in the index.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        let open = matches!(
            self.definition.kind,
            SearchParamKind::String
                | SearchParamKind::Date
                | SearchParamKind::Number
                | SearchParamKind::Quantity
                | SearchParamKind::Composite
                | SearchParamKind::Special
        );
        open && self.sealed
    }

    /// Whether its tokens are identifiers, each of which names one thing.
    #[must_use]
    pub fn identifies(&self) -> bool {
        let types = self.path.as_ref().map(Path::types).unwrap_or_default();
        self.definition.kind == SearchParamKind::Token && types.iter().any(|it| it == "Identifier")
    }

    /// Whether its values are canonical URLs alone: those name no resource that a link could lead to.
    #[must_use]
    pub fn is_canonical(&self) -> bool {
        let types = self.path.as_ref().map(Path::types).unwrap_or_default();
        !types.is_empty() && types.iter().all(|name| name == "canonical")
    }

    /// Every parameter that a value of this one may be indexed under.
    #[must_use]
    pub fn lookups(&self) -> Vec<Param> {
        std::iter::once(self.param).chain(self.parts.iter().copied()).collect()
    }
}

/// Whether a path leads to one child of the resource, which does not repeat.
fn is_single(kind: ResourceType, path: &Path) -> bool {
    let structure = Registry::r4().resource(kind);
    let (Some(structure), Some(keys)) = (structure, path.children()) else { return false };
    let elements: Option<Vec<u8>> =
        keys.iter().map(|key| structure.key(key).map(|key| key.element)).collect();
    let Some((first, rest)) = elements.as_deref().and_then(<[u8]>::split_first) else {
        return false;
    };
    let element = structure.elements.get(usize::from(*first));
    rest.iter().all(|other| other == first) && element.is_some_and(|element| !element.many)
}

/// The parameters whose values are all values of `whole`: each of their expressions is one of its own,
/// or selects from one.
fn parts(
    kind: ResourceType,
    whole: &'static SearchParam,
    all: &'static [SearchParam],
    hasher: &Hasher,
) -> Vec<Param> {
    let of = |param: &'static SearchParam| arms(param, kind);
    let is_part = |part: &&'static SearchParam| {
        part.code != whole.code
            && part.kind == whole.kind
            && part.expression != whole.expression
            && (part.kind != SearchParamKind::Composite || is_alike(part, whole))
            && shared_with(part, all).is_none_or(|owner| *owner == part.code)
            && of(part).count() > 0
            && of(part).all(|inner| of(whole).any(|outer| selects(part.kind, inner, outer)))
    };
    all.iter().filter(is_part).map(|part| hasher.param(kind, &part.code)).collect()
}

/// The alternatives of an expression that begin with the type.
fn arms(param: &SearchParam, kind: ResourceType) -> impl Iterator<Item = &str> {
    param.expression.split('|').map(str::trim).filter(move |arm| is_of(arm, kind))
}

fn is_of(expression: &str, kind: ResourceType) -> bool {
    let path = expression.trim_start_matches('(');
    path.strip_prefix(kind.name()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The parts of a composite, each read like the parameter that its definition names.
fn composite(
    whole: &SearchParam,
    all: &[SearchParam],
    path: &Path,
    kind: ResourceType,
) -> Result<Vec<Part>> {
    let registry = Registry::r4();
    let named = |component: &Component| all.iter().find(|param| param.url == component.definition);
    let part = |component: &Component| {
        let path = match component.expression.strip_prefix("%resource.") {
            Some(rest) => PartPath::OfResource(Path::compile(rest, kind.name(), registry)?),
            None => PartPath::OfItem(
                path.types()
                    .iter()
                    .map(|name| {
                        let path = Path::compile(component.expression, name, registry)?;
                        Ok((name.clone(), path))
                    })
                    .collect::<Result<_>>()?,
            ),
        };
        // R4 names the parts of DocumentReference's `relationship` the wrong way round.
        let others = whole.components.iter().filter_map(named);
        let like = named(component).into_iter().chain(others).find(|like| reads(like.kind, &path));
        let like = like.ok_or_else(|| Error::internal("a composite of unknown parameters"))?;
        Ok(Part { code: like.code.clone(), kind: like.kind, targets: targets(like), path })
    };
    whole.components.iter().map(part).collect()
}

/// The parameters that say how a composite's parts are asked for.
fn components<'a>(
    whole: &'a SearchParam,
    all: &'a [SearchParam],
) -> impl Iterator<Item = &'a SearchParam> {
    let named = |component: &Component| all.iter().find(|param| param.url == component.definition);
    whole.components.iter().filter_map(named)
}

/// Whether a kind of parameter can read what a path yields.
fn reads(kind: SearchParamKind, path: &PartPath) -> bool {
    let all = match path {
        PartPath::OfResource(path) => vec![path],
        PartPath::OfItem(paths) => paths.iter().map(|(_, path)| path).collect(),
    };
    let refers = |name: &Text| name == "Reference";
    let fits = |name: &Text| refers(name) == (kind == SearchParamKind::Reference);
    all.iter().any(|path| path.types().iter().any(fits))
}

/// Whether each of a composite's expressions is that of another composite with the same parts.
fn is_covered(kind: ResourceType, whole: &SearchParam, all: &[SearchParam]) -> bool {
    let others: Vec<_> = all.iter().filter(|part| is_alike(part, whole)).collect();
    arms(whole, kind)
        .all(|outer| others.iter().any(|part| arms(part, kind).all(|inner| inner == outer)))
}

/// Whether two composites ask for the same parts, of different elements.
fn is_alike(part: &SearchParam, whole: &SearchParam) -> bool {
    let parts = |param: &SearchParam| -> Vec<&'static str> {
        param.components.iter().map(|component| component.expression).collect()
    };
    part.kind == SearchParamKind::Composite
        && part.code != whole.code
        && part.expression != whole.expression
        && parts(part) == parts(whole)
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
        SearchParamKind::Number | SearchParamKind::Quantity | SearchParamKind::Composite => {
            inner == outer
        }
        SearchParamKind::Date
        | SearchParamKind::Reference
        | SearchParamKind::Uri
        | SearchParamKind::Special => false,
    }
}

/// The parameter whose values include this one's: `X` for `X.where(resolve() is Patient)`, and the
/// first of several with one expression.
fn shared_with<'a>(param: &SearchParam, all: &'a [SearchParam]) -> Option<&'a str> {
    let expression = &*param.expression;
    let wide = match expression.split_once(".where(resolve() is ") {
        Some((wide, rest)) if rest.ends_with(')') && !rest.contains('|') => wide,
        _ => expression,
    };
    let same = |other: &&SearchParam| {
        param.kind != SearchParamKind::Composite
            && other.kind == param.kind
            && !wide.is_empty()
            && other.expression == wide
    };
    all.iter().filter(same).map(|other| &*other.code).min()
}

/// What a reference can point to; empty is any. An expression that ends in `resolve() is Patient` allows
/// only that, whatever the list says.
#[must_use]
pub fn targets(param: &SearchParam) -> Vec<ResourceType> {
    let named = param.expression.rsplit_once("resolve() is ").map(|(_, rest)| rest);
    let only = named.and_then(|rest| ResourceType::find(rest.trim_end_matches(')')));
    match only {
        Some(kind) if !param.expression.contains('|') => vec![kind],
        _ => param.targets.clone(),
    }
}

fn breadth(param: &SearchParam) -> Breadth {
    match (param.kind, &*param.code) {
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
