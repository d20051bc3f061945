//! <https://hl7.org/fhir/R4/search.html#token>

use conformance::SearchParamKind;

use super::text::comparable;
use super::values::{split, split_once, unescape};
use super::{Criterion, Parsed, any};
use super::{concept, implicit};
use crate::expr::{Breadth, Expr, KeyTest, TextTest};
use crate::keys::{Aspect, Facet, Key, Mark, Param};
use crate::query::refusal::Refusal;
use crate::terms::Term;

pub(super) fn criterion(it: &Criterion<'_>) -> Parsed {
    match it.modifier {
        None => any(&it.values, |value| token(it, value)),
        Some("not") => Ok(Expr::Not(Box::new(any(&it.values, |value| token(it, value))?))),
        Some("in") => concept::within(it),
        Some("not-in") => Ok(Expr::Not(Box::new(concept::within(it)?))),
        Some("below") => concept::related(it, Term::Below),
        Some("above") => concept::related(it, Term::Above),
        Some("text") => any(&it.values, |value| text(it, value)),
        Some("of-type") => any(&it.values, |value| of_type(it, value)),
        Some(_) => Err(it.unsupported()),
    }
}

/// `code`, `system|code`, `|code` or `system|`.
pub(super) fn token(it: &Criterion<'_>, value: &str) -> Parsed {
    let lookups = it.param.lookups();
    if let Some((system, plain)) = split_once(value, '|')
        && let Some(codes) =
            implicit::codes(it, it.param, &unescape(system), unescape(plain).into())?
    {
        return Ok(Expr::any(codes.iter().map(|plain| code(it, &lookups, plain, None)).collect()));
    }
    Ok(coded(it, it.param.param, &lookups, value))
}

/// A token under a parameter or an aspect of it, and wherever else its code may be indexed.
pub(super) fn coded(it: &Criterion<'_>, param: Param, lookups: &[Param], value: &str) -> Expr {
    let hasher = it.context.catalogue.hasher();
    match split_once(value, '|') {
        None => code(it, lookups, &unescape(value), None),
        Some((system, "")) if it.param.identifies() => {
            let lookup = hasher.system_key(param, &unescape(system));
            Expr::Key(KeyTest { breadth: Breadth::Common, ..test(it, lookup, None) })
        }
        Some((system, "")) => Expr::mark(hasher.system(param, &unescape(system))),
        Some((system, plain)) => {
            let (system, plain) = (unescape(system), unescape(plain));
            let exact = hasher.system_code(param, &system, &plain);
            code(it, lookups, &plain, Some(exact))
        }
    }
}

fn code(it: &Criterion<'_>, lookups: &[Param], code: &str, exact: Option<Mark>) -> Expr {
    let hasher = it.context.catalogue.hasher();
    let identifies =
        it.param.identifies() || it.param.definition.kind == SearchParamKind::Reference;
    let (facet, half) = exact.map(|[facet, half]| (facet, half)).unzip();
    let of = |param: &Param| KeyTest {
        half: half.filter(|_| identifies),
        ..test(it, hasher.code(*param, code), facet)
    };
    Expr::any(lookups.iter().map(of).map(Expr::Key).collect())
}

pub(super) fn key(it: &Criterion<'_>, lookup: Key, facet: Option<Facet>) -> Expr {
    Expr::Key(test(it, lookup, facet))
}

fn test(it: &Criterion<'_>, lookup: Key, facet: Option<Facet>) -> KeyTest {
    let (timed, breadth) = (it.param.timed, it.param.breadth);
    KeyTest { lookup, facet, half: None, patient: None, timed, breadth }
}

/// The text of the concept, a coding's display, an identifier's type.
fn text(it: &Criterion<'_>, value: &str) -> Parsed {
    let folded = comparable(it, value)?;
    let hasher = it.context.catalogue.hasher();
    let under = |param: Param| hasher.aspect(param, &Aspect::Text);
    let test = Expr::Text(vec![under(it.param.param)], TextTest::Contains(folded));
    Ok(Expr::Beside(Box::new(test)))
}

/// `type-system|type-code|value`.
fn of_type(it: &Criterion<'_>, value: &str) -> Parsed {
    let parts: Vec<String> = split(value, '|').into_iter().map(unescape).collect();
    let [system, kind, number] = parts.as_slice() else {
        return Err(it.wrong(
            "expected system|code|value: the type's system and code, the identifier's value",
        ));
    };
    if [system, kind, number].into_iter().any(String::is_empty) {
        return Err(it.wrong("system, code and value are all needed"));
    }
    let hasher = it.context.catalogue.hasher();
    let aspect = hasher.aspect(it.param.param, &Aspect::OfType(system, kind));
    let typed = hasher.mark(aspect, number);
    Ok(code(it, &it.param.lookups(), number, Some(typed)))
}

/// What a reference's identifier is asked as. One that shares its index with a wider parameter, as `patient`
/// with `subject`, has facets of its own for what is its own.
pub(super) fn identifier(it: &Criterion<'_>, value: &str) -> Result<Expr, Refusal> {
    let hasher = it.context.catalogue.hasher();
    let shared = hasher.aspect(it.param.param, &Aspect::Identifier);
    let own = hasher.aspect(it.param.own, &Aspect::Identifier);
    Ok(match coded(it, own, &[shared], value) {
        Expr::Key(test) => {
            let plain = || hasher.mark(own, &unescape(value));
            let plain = (it.param.alias && test.facet.is_none()).then(plain);
            let (facet, half) = match plain {
                Some([facet, half]) => (Some(facet), Some(half)),
                None => (test.facet, test.half),
            };
            Expr::Key(KeyTest { breadth: Breadth::Unique, timed: false, facet, half, ..test })
        }
        other => other,
    })
}
