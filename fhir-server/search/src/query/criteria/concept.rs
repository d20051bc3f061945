//! Codes that are meant and not listed: `:in`, `:not-in`, `:above`, `:below`.
//! <https://hl7.org/fhir/R4/search.html#token>
//!
//! A resource matches by one of the codes with its system. Codes without a system in the resource are
//! those of `code` elements, whose system follows from the value set that the element is bound to.

use super::Criterion;
use super::token::key;
use super::values::{split_once, unescape};
use crate::binding::binding;
use crate::expr::Expr;
use crate::limits::CONCEPTS_MAX;
use crate::query::criteria::{Parsed, any};
use crate::query::refusal::Refusal;
use crate::terms::{Code, Term};

/// Any of the value sets.
pub(super) fn within(it: &Criterion<'_>) -> Parsed {
    any(&it.values, |value| among(it, &Term::ValueSet(unescape(value))))
}

/// Any of the codes, or what its code system has above or below it.
pub(super) fn related(it: &Criterion<'_>, term: fn(Code) -> Term) -> Parsed {
    any(&it.values, |value| {
        let parts = split_once(value, '|').map(|(system, code)| (unescape(system), unescape(code)));
        let parts = parts.filter(|(system, code)| !system.is_empty() && !code.is_empty());
        let (system, code) = parts.ok_or_else(|| it.wrong("expected system|code"))?;
        among(it, &term(Code { system, code }))
    })
}

/// One of the codes of a term.
fn among(it: &Criterion<'_>, term: &Term) -> Parsed {
    let form = Form::of(it)?;
    let place = || format!("http.{}:{}", it.name(), it.modifier.unwrap_or_default());
    let Some(codes) = it.context.terms.codes(term, place) else { return Ok(Expr::Or(Vec::new())) };
    if codes.len() > CONCEPTS_MAX {
        return Err(Refusal::too_many(&place(), CONCEPTS_MAX));
    }
    match form {
        Form::Coded => Ok(test(it, codes.iter().map(|it| (it.system.as_str(), it.code.as_str())))),
        Form::Bound(url) => {
            let bound = it.context.terms.codes(&Term::ValueSet(url.to_owned()), place);
            let both = codes.iter().filter(|code| bound.is_some_and(|all| all.contains(code)));
            Ok(test(it, both.map(|it| ("", it.code.as_str()))))
        }
    }
}

/// How the parameter's values name their system.
enum Form {
    /// By themselves.
    Coded,
    /// By what the element is bound to.
    Bound(&'static str),
}

impl Form {
    fn of(it: &Criterion<'_>) -> Result<Self, Refusal> {
        let types = it.param.path.as_ref().map(|path| path.types()).unwrap_or_default();
        let all = |names: &[&str]| types.iter().all(|name| names.contains(&name.as_str()));
        if types.is_empty() {
            return Err(it.unsupported());
        }
        if all(&["CodeableConcept", "Coding"]) {
            return Ok(Self::Coded);
        }
        if !all(&["code"]) {
            return Err(it.unsupported());
        }
        binding(it.kind, &it.param.definition.expression).map(Self::Bound).ok_or_else(|| {
            let text =
                "its codes have no system, and no value set that lists them all gives them one";
            Refusal::unsupported(format!("{}.{}: {text}", it.kind, it.name()))
        })
    }
}

/// The codes find candidates; the codes with their systems decide.
fn test<'c>(it: &Criterion<'_>, codes: impl Iterator<Item = (&'c str, &'c str)>) -> Expr {
    let hasher = it.context.catalogue.hasher();
    let lookups = it.param.lookups();
    let (mut keys, mut facets) = (Vec::new(), Vec::new());
    for (system, code) in codes {
        keys.extend(lookups.iter().map(|param| key(it, hasher.code(*param, code), None)));
        let [facet, _] = hasher.system_code(it.param.param, system, code);
        facets.push(Expr::Facet(facet));
    }
    Expr::And(vec![Expr::any(keys), Expr::any(facets)])
}
