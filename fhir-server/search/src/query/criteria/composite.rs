//! `code$value`: parts that must hold of one and the same element.
//! <https://hl7.org/fhir/R4/search.html#composite>

use std::borrow::Cow;

use canonical_model::ResourceId;
use conformance::SearchParamKind;

use super::date::range;
use super::number::compare;
use super::token::token;
use super::values::{split, split_once, unescape};
use super::{Criterion, Parsed, any};
use crate::catalogue::Part;
use crate::expr::{Expr, TextTest};
use crate::extract::reference::{Named, named};
use crate::extract::{instances, nth_of};
use crate::fold::fold;
use crate::keys::{Discrete, Param};
use crate::query::refusal::Refusal;

pub(super) fn criterion(it: &Criterion<'_>) -> Parsed {
    if it.modifier.is_some() {
        return Err(it.unsupported());
    }
    any(&it.values, |value| one(it, value))
}

fn one(it: &Criterion<'_>, value: &str) -> Parsed {
    let values = split(value, '$');
    let parts = &it.param.composite;
    if values.len() != parts.len() || values.iter().any(|value| value.is_empty()) {
        let names: Vec<&str> = parts.iter().map(|part| &*part.code).collect();
        return Err(it.wrong(&format!(
            "expected {} values joined by `$`: {}",
            parts.len(),
            names.join("$")
        )));
    }
    let mut heads = it.param.lookups();
    let hasher = it.context.catalogue.hasher();
    let both = || parts.iter().zip(&values);
    for (part, value) in both().filter(|(part, _)| !part.is_ordered()) {
        let forms = discrete(it, part, value).map_err(|refusal| refusal.about(value))?;
        heads = heads.iter().flat_map(|head| forms.iter().map(|f| hasher.part(*head, f))).collect();
    }
    let ordered: Vec<_> = both().filter(|(part, _)| part.is_ordered()).collect();
    let mut tests = implied(it, both())?;
    tests.push(match ordered.as_slice() {
        [] => Expr::any(heads.into_iter().map(|head| Expr::Facet(hasher.whole(head))).collect()),
        [(part, value)] => {
            under(it, part, &heads, value).map_err(|refusal| refusal.about(value))?
        }
        several => tied(it, several, &heads)?,
    });
    Ok(Expr::And(tests))
}

/// Ordered parts of one instance, whichever it is.
fn tied(it: &Criterion<'_>, parts: &[(&Part, &&str)], heads: &[Param]) -> Parsed {
    let hasher = it.context.catalogue.hasher();
    let of_instance = |instance: usize| -> Parsed {
        let tests = parts.iter().enumerate().map(|(nth, (part, value))| {
            let number = Discrete::Nth(nth_of(nth, instance));
            let heads: Vec<Param> = heads.iter().map(|head| hasher.part(*head, &number)).collect();
            under(it, part, &heads, value).map_err(|refusal| refusal.about(value))
        });
        Ok(Expr::And(tests.collect::<Result<_, _>>()?))
    };
    Ok(Expr::any(instances().map(of_instance).collect::<Result<_, _>>()?))
}

/// An ordered part's test under narrowed parameters.
fn under(it: &Criterion<'_>, part: &Part, heads: &[Param], value: &str) -> Parsed {
    match part.kind {
        SearchParamKind::Date => {
            let test = range(&part.code, value)?;
            let tests = heads.iter().map(|head| Expr::Date(*head, test)).collect();
            Ok(Expr::Beside(Box::new(Expr::any(tests))))
        }
        SearchParamKind::String => {
            let folded = fold(&unescape(value));
            if folded.is_empty() {
                return Err(it.wrong("the text has no letters"));
            }
            let test = Expr::Text(heads.to_vec(), TextTest::Prefix(folded));
            Ok(Expr::Beside(Box::new(test)))
        }
        kind => compare(it, heads, value, kind == SearchParamKind::Quantity, true),
    }
}

/// What the composite implies of its parts alone: those have an index that finds candidates.
fn implied<'a>(
    it: &Criterion<'_>,
    parts: impl Iterator<Item = (&'a Part, &'a &'a str)>,
) -> Result<Vec<Expr>, Refusal> {
    let plan = it.context.catalogue.plan(it.kind)?;
    let mut tests = Vec::new();
    for (part, value) in parts.filter(|(part, _)| part.kind == SearchParamKind::Token) {
        if let Some(param) = plan.find(&part.code)
            && split_once(value, '|').is_none_or(|(_, code)| !code.is_empty())
        {
            tests.push(token(
                &Criterion { param, modifier: None, values: Vec::new(), ..*it },
                value,
            ));
        }
    }
    Ok(tests)
}

fn discrete<'a>(
    it: &Criterion<'_>,
    part: &Part,
    value: &'a str,
) -> Result<Vec<Discrete<'a>>, Refusal> {
    let plain = Cow::<'a, str>::Owned(unescape(value));
    match part.kind {
        SearchParamKind::Reference | SearchParamKind::Uri => reference(it, part, &plain),
        _ => Ok(vec![match split_once(value, '|') {
            None => Discrete::Code(plain),
            Some((system, "")) => Discrete::System(unescape(system).into()),
            Some((system, code)) => {
                Discrete::SystemCode(unescape(system).into(), unescape(code).into())
            }
        }]),
    }
}

fn reference<'a>(
    it: &Criterion<'_>,
    part: &Part,
    value: &str,
) -> Result<Vec<Discrete<'a>>, Refusal> {
    if ResourceId::is_legal(value) && !part.targets.is_empty() {
        let kinds = part.targets.iter();
        return Ok(kinds.map(|kind| Discrete::Reference(*kind, value.to_owned().into())).collect());
    }
    match named(value, it.context.base) {
        Some(Named::Here { kind, id, .. }) => {
            Ok(vec![Discrete::Reference(kind, id.to_owned().into())])
        }
        Some(Named::There { uri, .. }) => Ok(vec![Discrete::Uri(uri.to_owned().into())]),
        None => Err(it.wrong("`#` names something inside one resource only")),
    }
}
