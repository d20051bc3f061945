//! A search: what it asks, how it is written, and what it means.

use canonical_model::Value;

use super::caller::Caller;
use super::include::Include;
use super::meaning::{Test, millionths};
use super::params::{Form, Link, Param, find};
use super::place::Place;
use super::world::{ALL, World, part};
use crate::search_model::{fold, interval, values};

/// A search.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    /// Who asks; none is one who may do everything.
    pub(super) caller: Option<Caller>,
    pub(super) place: Place,
    /// Types to look in.
    pub(super) kinds: Vec<&'static str>,
    pub(super) criteria: Vec<Criterion>,
    /// A parameter, and whether from high to low.
    pub(super) sort: Vec<(&'static str, bool)>,
    pub(super) includes: Vec<Include>,
}

/// One criterion.
#[derive(Clone, Debug)]
pub(super) enum Criterion {
    /// Any of the values, or none of them.
    Values {
        param: &'static Param,
        modifier: &'static str,
        negated: bool,
        values: Vec<Asked>,
    },
    Missing(&'static Param, bool),
    /// With the type named or not.
    Chain(&'static Link, bool, Box<Criterion>),
    Has(&'static Link, Box<Criterion>),
    Id(Vec<String>),
    Filter(Filter),
}

/// A value as it is written and as it is meant.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) text: String,
    pub(super) test: Test,
}

/// A part of `_filter`.
#[derive(Clone, Debug)]
pub(super) enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    Is { param: &'static Param, operator: &'static str, negated: bool, asked: Asked },
}

impl Ask {
    /// Behind the base: `/Patient?family=…`.
    pub(super) fn url(&self, base: &str) -> String {
        let mut parts: Vec<String> = self.criteria.iter().map(Criterion::text).collect();
        if self.names_types() {
            parts.push(format!("_type={}", self.kinds.join(",")));
        }
        if !self.sort.is_empty() {
            let field =
                |(code, down): &(&str, bool)| format!("{}{code}", if *down { "-" } else { "" });
            let fields: Vec<String> = self.sort.iter().map(field).collect();
            parts.push(format!("_sort={}", fields.join(",")));
        }
        parts.extend(self.includes.iter().map(Include::text));
        let encoded: Vec<String> =
            parts.iter().map(|it| encode(&it.replace("BASE", base))).collect();
        let kind = self.kinds.first().copied().unwrap_or_default();
        format!("{}?{}", self.place.path(kind), encoded.join("&"))
    }

    /// Without it all types are meant.
    fn names_types(&self) -> bool {
        self.place.is_of_several() && self.kinds.len() < ALL.len()
    }

    /// Whether resources of a type can match.
    pub(super) fn looks_in(&self, kind: &str) -> bool {
        self.kinds.contains(&kind) && self.place.has(kind)
    }

    pub(super) fn holds(&self, world: &World, resource: &Value) -> bool {
        self.looks_in(part(resource, "resourceType"))
            && self.place.holds(resource)
            && self.criteria.iter().all(|criterion| criterion.holds(world, resource))
    }

    /// Whether it leads through a type of which the caller reaches nothing.
    pub(super) fn is_forbidden(&self) -> bool {
        let Some(caller) = &self.caller else { return false };
        let mut kinds: Vec<&str> = Vec::new();
        self.criteria.iter().for_each(|criterion| criterion.types(&mut kinds));
        if self.names_types() || !self.place.is_of_several() {
            kinds.extend(self.kinds.iter().filter(|kind| self.looks_in(kind)));
        }
        !kinds.into_iter().all(|kind| caller.reaches(kind))
    }

    /// Whether one resource may stand before another.
    pub(super) fn in_order(&self, one: &Value, other: &Value) -> bool {
        for (code, down) in &self.sort {
            let (a, b) = (rank(code, *down, one), rank(code, *down, other));
            match (a, b) {
                (Some(a), Some(b)) if a == b => {}
                (Some(a), Some(b)) => return (a < b) != *down,
                // Without a value comes last, whichever the direction.
                (Some(_), None) => return true,
                (None, Some(_)) => return false,
                (None, None) => {}
            }
        }
        true
    }
}

/// The lowest of a resource's values, or the highest.
fn rank(code: &str, down: bool, resource: &Value) -> Option<(String, i64)> {
    if code == "_id" {
        return Some((part(resource, "id").to_owned(), 0));
    }
    let param = find(part(resource, "resourceType"), code)?;
    let of = |value: &Value| match param.form {
        Form::Date => interval(value).map(|(from, _)| (String::new(), from)),
        Form::Number => value.as_number().map(|it| (String::new(), millionths(it.as_str()).0)),
        _ => value.as_str().map(|text| (fold(text), 0)),
    };
    let all = under(resource, param.paths).into_iter().filter_map(of);
    if down { all.max() } else { all.min() }
}

/// The values under paths; the empty path is the resource.
pub(super) fn under<'v>(resource: &'v Value, paths: &[&str]) -> Vec<&'v Value> {
    let of = |path: &&str| match *path {
        "" => vec![resource],
        path => values(resource, &[path]),
    };
    paths.iter().flat_map(of).collect()
}

impl Criterion {
    fn text(&self) -> String {
        match self {
            Self::Values { param, modifier, values, .. } => {
                let values: Vec<&str> = values.iter().map(|it| it.text.as_str()).collect();
                format!("{}{modifier}={}", param.code, values.join(","))
            }
            Self::Missing(param, missing) => format!("{}:missing={missing}", param.code),
            Self::Chain(link, true, inner) => {
                format!("{}:{}.{}", link.code, link.to, inner.text())
            }
            Self::Chain(link, false, inner) => format!("{}.{}", link.code, inner.text()),
            Self::Has(link, inner) => format!("_has:{}:{}:{}", link.from, link.code, inner.text()),
            Self::Id(ids) => format!("_id={}", ids.join(",")),
            Self::Filter(filter) => format!("_filter={}", filter.text()),
        }
    }

    /// The types that it leads through.
    fn types(&self, found: &mut Vec<&'static str>) {
        match self {
            Self::Chain(link, _, inner) => {
                found.push(link.to);
                inner.types(found);
            }
            Self::Has(link, inner) => {
                found.push(link.from);
                inner.types(found);
            }
            Self::Values { .. } | Self::Missing(..) | Self::Id(_) | Self::Filter(_) => {}
        }
    }

    fn holds(&self, world: &World, resource: &Value) -> bool {
        match self {
            Self::Values { param, negated, values, .. } => {
                values.iter().any(|it| any(param, &it.test, resource)) != *negated
            }
            Self::Missing(param, missing) => {
                under(resource, param.of(resource).paths).is_empty() == *missing
            }
            Self::Chain(link, _, inner) => {
                link.of(part(resource, "resourceType")).is_some_and(|link| {
                    let mut ends = world.of_kind(link.to).filter(|it| link.leads(resource, it));
                    ends.any(|it| inner.holds(world, it))
                })
            }
            Self::Has(link, inner) => {
                let mut from = world.of_kind(link.from).filter(|it| link.leads(it, resource));
                from.any(|it| inner.holds(world, it))
            }
            Self::Id(ids) => ids.iter().any(|id| id == part(resource, "id")),
            Self::Filter(filter) => filter.holds(resource),
        }
    }
}

/// Of several types each has the parameter in a place of its own.
fn any(param: &'static Param, test: &Test, resource: &Value) -> bool {
    under(resource, param.of(resource).paths).into_iter().any(|value| test.holds(value))
}

impl Filter {
    fn text(&self) -> String {
        match self {
            Self::And(a, b) => format!("({} and {})", a.text(), b.text()),
            Self::Or(a, b) => format!("({} or {})", a.text(), b.text()),
            Self::Not(inner) => format!("not ({})", inner.text()),
            Self::Is { param, operator, asked, .. } => {
                let value = asked.text.replace('\\', r"\\").replace('"', "\\\"");
                format!("{} {operator} \"{value}\"", param.code)
            }
        }
    }

    fn holds(&self, resource: &Value) -> bool {
        match self {
            Self::And(a, b) => a.holds(resource) && b.holds(resource),
            Self::Or(a, b) => a.holds(resource) || b.holds(resource),
            Self::Not(inner) => !inner.holds(resource),
            Self::Is { param, negated, asked, .. } => any(param, &asked.test, resource) != *negated,
        }
    }
}

/// <https://hl7.org/fhir/R4/search.html#escaping>
pub(super) fn escape(text: &str) -> String {
    crate::search_random::escape(text)
}

fn encode(query: &str) -> String {
    let (name, value) = query.split_once('=').unwrap_or((query, ""));
    format!("{name}={}", crate::search_random::encode(value))
}
