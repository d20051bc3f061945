//! Search: of a type, a compartment, or the whole system. <https://hl7.org/fhir/R4/http.html#search>

mod sources;

use access::{Access, Action};
use canonical_model::{Error, Kind, ResourceId, ResourceType, Result};
use conformance::Registry;
use search::limits::{INCLUDED_MAX, TESTS_MAX};
use search::query::{Handling, Pair, Sort, SortBy, Summary, Total, in_words};
use search::{Query, QueryContext, named};
use store::{Explained, Found, Lack, PageKey, SearchPage};

use crate::limits::TYPE_BYTES_MAX;
use crate::parameters::look;
use crate::reached::{reached, within};
use crate::terminology::{Reader, reading};
use crate::watch::{Missing, Watch};
use crate::withheld::Withheld;
use crate::{Domain, Request};
use sources::expect_sources;

/// Where a search looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In one type.
    Type(ResourceType),
    /// In all types, or those of `_type`.
    System,
    /// In a compartment, by its type and id: one type of it, or all.
    Compartment(ResourceType, ResourceId, Option<ResourceType>),
}

impl Scope {
    /// Whether resources of a type may be in it.
    fn has(&self, kind: ResourceType) -> bool {
        match self {
            Self::Type(only) | Self::Compartment(_, _, Some(only)) => *only == kind,
            Self::System => true,
            Self::Compartment(of, ..) => {
                *of == kind || !Registry::r4().compartment(of.name(), kind).is_empty()
            }
        }
    }
}

/// One page of matches and what joins them.
#[derive(Clone, Debug, Default)]
pub struct Searched {
    /// The matches.
    pub page: SearchPage,
    /// Included resources, each once.
    pub included: Vec<Found>,
    /// Whether more would have been included.
    pub cut: bool,
    /// What may not have been found, in sentences: its index is still being built.
    pub incomplete: Vec<String>,
    /// What cannot be found, in sentences: a search parameter leaves it out.
    pub left_out: Vec<String>,
    /// What the index lacks in all.
    pub lack: Option<Lack>,
    /// By which rules something may have been left out.
    pub withheld: Option<Withheld>,
}

/// Reads a search, as one query for each type that it looks in.
///
/// # Errors
/// Invalid for parameters that cannot be read, or that not all of several types have; Forbidden.
pub async fn queries(
    domain: &Domain,
    request: &Request,
    scope: &Scope,
    pairs: &[Pair],
    handling: Handling,
) -> Result<Vec<Query>> {
    let kinds = match scope {
        Scope::Type(kind) | Scope::Compartment(_, _, Some(kind)) => vec![(*kind, pairs.to_vec())],
        Scope::System | Scope::Compartment(_, _, None) => {
            several(domain, request, scope, pairs).await?
        }
    };
    let read = |context: QueryContext<'_>| {
        let queries = read(context, scope, &kinds)?;
        let reached = |query| reached(domain, request, context, query);
        queries.into_iter().map(reached).collect::<Result<Vec<Query>>>()
    };
    let mut queries = reading(domain, Reader::Caller(request), handling, read).await?;
    // What is not known here may be known to another server, since a moment ago.
    if queries.iter().any(|query| !query.ignored.is_empty()) && look(domain).await? {
        queries = reading(domain, Reader::Caller(request), handling, read).await?;
    }
    expect_sources(&mut queries, handling)?;
    Ok(queries)
}

fn read(
    context: QueryContext<'_>,
    scope: &Scope,
    kinds: &[(ResourceType, Vec<Pair>)],
) -> Result<Vec<Query>> {
    let mut queries = Vec::with_capacity(kinds.len());
    for (kind, pairs) in kinds {
        let query = || search::query::parse(context, *kind, pairs);
        let Scope::Compartment(of, id, only) = scope else {
            queries.push(query()?);
            continue;
        };
        match (search::query::compartment(context, *of, id, *kind)?, only) {
            (Some(part), _) => queries.push(within(query()?, part)),
            (None, Some(_)) => return Err(outside(*of, *kind)),
            (None, None) => {}
        }
    }
    match scope {
        Scope::Type(_) | Scope::Compartment(_, _, Some(_)) => Ok(queries),
        Scope::System | Scope::Compartment(_, _, None) => alike(queries),
    }
}

/// The types of `_type`, or all in use that the caller reaches; and the other parameters.
async fn several(
    domain: &Domain,
    request: &Request,
    scope: &Scope,
    pairs: &[Pair],
) -> Result<Vec<(ResourceType, Vec<Pair>)>> {
    let (named, others): (Vec<Pair>, Vec<Pair>) =
        pairs.iter().cloned().partition(|(name, _)| name == "_type");
    let kinds = match named.as_slice() {
        [] => {
            let access = domain.decide_system(request, Action::Search)?;
            let all = ResourceType::all().filter(|kind| access.reaches(*kind) && scope.has(*kind));
            expect_common(&all.collect::<Vec<_>>(), &others)?;
            let mut kinds = domain.store().types().await?;
            kinds.retain(|kind| access.reaches(*kind));
            kinds
        }
        [(_, names)] => {
            let mut character = 1;
            let one = |name: &str| {
                let at = character;
                character += name.chars().count() + 1;
                let here = |text: String| format!("{text} (at character {at})");
                named_type(name).map_err(|text| Error::invalid(here(text)).at("http._type"))
            };
            let mut kinds = names.split(',').map(one).collect::<Result<Vec<_>>>()?;
            kinds.sort_unstable_by_key(|kind| kind.number());
            kinds.dedup();
            kinds
        }
        _ => {
            let text = "_type: send it once, with commas between the types";
            return Err(Error::invalid(text).at("http._type"));
        }
    };
    Ok(kinds.into_iter().map(|kind| (kind, others.clone())).collect())
}

/// Refuses parameters that some of these types have and others have not: by their definitions, for which types are in
/// use is no business of the caller's.
fn expect_common(kinds: &[ResourceType], pairs: &[Pair]) -> Result<()> {
    for (name, value) in pairs {
        let sorted = || value.split(',').map(|one| one.trim_start_matches('-'));
        let names: Vec<&str> = if name == "_sort" { sorted().collect() } else { vec![name] };
        for one in names.into_iter().filter(|one| !one.starts_with('_')) {
            let code = one.split([':', '.']).next().unwrap_or_default();
            let has = |kind: &&ResourceType| Registry::r4().search_param(**kind, code).is_some();
            let lacking = kinds.iter().find(|kind| !has(kind));
            if let Some(kind) = lacking.filter(|_| kinds.iter().any(|kind| has(&kind))) {
                let what = if name == "_sort" { format!("_sort={one}") } else { name.clone() };
                return Err(not_common(&what, *kind, name));
            }
        }
    }
    Ok(())
}

fn not_common(what: &str, kind: ResourceType, name: &str) -> Error {
    let text = format!(
        "{what}: {kind} does not understand it, and a search of several types takes what all of them do. \
         Name fewer types in _type."
    );
    Error::invalid(text).at(&format!("http.{name}"))
}

/// The type, or what is wrong with its name. It is said again where it looks like a type: anything else may
/// be a value that is in the wrong place.
fn named_type(name: &str) -> Result<ResourceType, String> {
    let name = name.trim();
    ResourceType::find(name).ok_or_else(|| {
        let letters = name.len() <= TYPE_BYTES_MAX && name.bytes().all(|b| b.is_ascii_alphabetic());
        match letters && name.starts_with(|first: char| first.is_ascii_uppercase()) {
            true => format!("`{name}` is no resource type of FHIR R4."),
            false => "Expected the name of a resource type, as Patient.".to_owned(),
        }
    })
}

fn outside(of: ResourceType, kind: ResourceType) -> Error {
    Error::not_found(format!("{kind} is no part of the {of} compartment."))
}

/// A parameter that one of two types understands and the other does not.
fn differing(a: &Query, b: &Query) -> Option<Error> {
    if a.applied == b.applied {
        return None;
    }
    let lacks = |of: &Query, pair| !of.applied.contains(pair);
    let of_a = a.applied.iter().find(|pair| lacks(b, pair)).map(|pair| (pair, b.kind));
    let of_b = || b.applied.iter().find(|pair| lacks(a, pair)).map(|pair| (pair, a.kind));
    let named = of_a.or_else(of_b).map(|((name, value), kind)| {
        // A sort is named by its value, which is a parameter too.
        let what = if name == "_sort" { format!("_sort={value}") } else { name.clone() };
        not_common(&what, kind, name)
    });
    let orders = || {
        let text = "A search of several types takes parameters that all of them have. Name fewer types in _type.";
        Error::invalid(text).at("http._type")
    };
    Some(named.unwrap_or_else(orders))
}

/// Several types are one walk: they must understand the same, and be sorted by something.
fn alike(mut queries: Vec<Query>) -> Result<Vec<Query>> {
    if let Some(refusal) = queries.windows(2).find_map(|two| match two {
        [a, b] => differing(a, b),
        _ => None,
    }) {
        return Err(refusal);
    }
    if queries.iter().map(|query| query.filter.tests()).sum::<usize>() > TESTS_MAX {
        let text = "The query asks for more than 4000 values, all types together. Name fewer.";
        return Err(Error::invalid(text).at("http._type"));
    }
    let order = |query: &Query| -> Vec<_> {
        query.sort.iter().map(|sort| std::mem::discriminant(&sort.by)).collect()
    };
    if queries.windows(2).any(|two| matches!(two, [a, b] if order(a) != order(b))) {
        let text = "_sort: the types do not all have this as one kind of value.";
        return Err(Error::invalid(text).at("http._sort"));
    }
    for query in queries.iter_mut().filter(|query| query.sort.is_empty()) {
        query.sort = vec![Sort { by: SortBy::Updated, descending: true }];
    }
    Ok(queries)
}

/// One page of a search.
///
/// # Errors
/// Forbidden, also for a type that a chain leads through; Invalid for a page key of another search.
pub async fn search(
    domain: &Domain,
    request: &Request,
    queries: &[Query],
    after: Option<&PageKey>,
) -> Result<Searched> {
    let Some(first) = queries.first() else { return Ok(nothing()) };
    for query in queries {
        domain.decide_query(request, query, Action::Search)?;
    }
    let access = domain.decide(request, first.kind, Action::Search)?;
    let only_count = first.summary == Summary::Count || first.count == 0;
    let watch = Watch::begin(domain, queries).await?;
    let mut searched = Searched::default();
    if !only_count {
        searched.page = domain.store().search(&access, queries, after).await?;
        include(domain, &access, queries, &mut searched).await?;
    }
    searched.page.total = match first.total {
        Total::Estimate => {
            let least = searched.page.found.len() + usize::from(searched.page.next.is_some());
            let about = domain.store().estimate(&access, queries).await?;
            Some(about.max(i64::try_from(least).unwrap_or(i64::MAX)))
        }
        Total::None if !only_count => None,
        Total::None | Total::Accurate => Some(domain.store().count(&access, queries).await?),
    };
    let Missing { lack, said, left_out } = watch.end(domain, queries).await?;
    (searched.lack, searched.incomplete, searched.left_out) = (lack, said, left_out);
    searched.withheld = Withheld::of(&access, queries.iter().map(|query| query.kind));
    Ok(searched)
}

/// What is found where there is no type to look in, as types that are no part of a compartment.
fn nothing() -> Searched {
    Searched { page: SearchPage { total: Some(0), ..SearchPage::default() }, ..Searched::default() }
}

/// Round by round: from the matches, then, where asked, from what was included.
async fn include(
    domain: &Domain,
    access: &Access,
    queries: &[Query],
    searched: &mut Searched,
) -> Result<()> {
    let mut includes: Vec<_> = queries.iter().flat_map(|query| &query.includes).collect();
    includes.dedup();
    let mut known: Vec<i64> = searched.page.found.iter().map(|found| found.rid).collect();
    let mut from = searched.page.found.clone();
    while !from.is_empty() && !includes.is_empty() {
        let room = INCLUDED_MAX.saturating_sub(searched.included.len());
        // One more than there is room for tells that there is more.
        let (mut found, cut) =
            domain.store().included(access, &includes, &from, &known, room + 1).await?;
        searched.cut |= cut || found.len() > room;
        found.truncate(room);
        known.extend(found.iter().map(|found| found.rid));
        searched.included.extend(found.iter().cloned());
        from = found;
        includes.retain(|one| one.iterate);
    }
    Ok(())
}

/// How the server would answer a search of one type that reaches everything, for its operator: as
/// `Observation?code=…`, also with a path before it or as a whole URL. The expression
/// comes with it.
///
/// # Errors
/// Invalid for a search that cannot be read; Unavailable or Internal.
pub async fn explain(domain: &Domain, text: &str) -> Result<(String, Explained)> {
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    let scope = scope(path)?;
    let (Scope::Type(kind) | Scope::Compartment(_, _, Some(kind))) = scope else {
        return Err(Error::invalid("Name a search of one type, as Observation?code=8480-6."));
    };
    let mut pairs = search::query::parse_pairs(query)?;
    if pairs.iter().any(|(name, _)| name == "_page") {
        let text = "_page: a page link holds its search; explain the search itself";
        return Err(Error::invalid(text));
    }
    pairs.retain(|(name, _)| name != "_explain");
    let kinds = [(kind, pairs)];
    let read = |context: QueryContext<'_>| read(context, &scope, &kinds);
    let queries = reading(domain, Reader::Operator, Handling::Strict, read).await?;
    let query = queries.into_iter().next().ok_or_else(|| Error::internal("no query was read"))?;
    let access = Access::internal("an operator asks how a search is answered");
    let mut explained = domain.store().explain(&access, std::slice::from_ref(&query)).await?;
    let catalogue = domain.catalogue();
    for driver in &mut explained.drivers {
        *driver = named(&catalogue, &query, driver)?;
    }
    let words = in_words(&catalogue, &query)?;
    let words = match &scope {
        Scope::Compartment(of, id, _) => format!("Of the compartment of {of}/{id}: {words}"),
        _ => words,
    };
    Ok((words, explained))
}

/// Where a search looks that is written as a path, also below a base, or as a whole URL.
fn scope(path: &str) -> Result<Scope> {
    let below = path
        .split_once("://")
        .map_or(path, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    let mut parts: Vec<&str> = below.split('/').filter(|part| !part.is_empty()).collect();
    if let Some(base) = parts.iter().rposition(|part| *part == "fhir") {
        parts.drain(..=base);
    }
    if parts.last() == Some(&"_search") {
        parts.pop();
    }
    let kind = |name: &str| named_type(name).map_err(Error::invalid);
    match parts.as_slice() {
        [] => Ok(Scope::System),
        [name] => Ok(Scope::Type(kind(name)?)),
        [of, id, "*"] => Ok(Scope::Compartment(kind(of)?, ResourceId::parse(id)?, None)),
        [of, id, name] => {
            Ok(Scope::Compartment(kind(of)?, ResourceId::parse(id)?, Some(kind(name)?)))
        }
        _ => Err(Error::invalid("Expected a search, as Observation?code=8480-6.")),
    }
}

/// How the server answers this search of its operator.
///
/// # Errors
/// Forbidden for anybody else: what the database says of a search tells of others' data too, as how many
/// there are. Unavailable or Internal.
pub async fn explain_to(
    domain: &Domain,
    request: &Request,
    queries: &[Query],
) -> Result<Explained> {
    if !request.caller.is_operator() {
        let text = "_explain is for an operator's own client: it needs the scope system/*.cruds and no user.";
        return Err(Error::new(Kind::Forbidden, text));
    }
    let first = queries.first().ok_or_else(|| Error::invalid("There is nothing to search."))?;
    for query in queries {
        domain.decide_query(request, query, Action::Search)?;
    }
    let access = domain.decide(request, first.kind, Action::Search)?;
    domain.store().explain(&access, queries).await
}
