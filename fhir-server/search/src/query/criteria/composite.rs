//! `code$value`: parts that must hold of one and the same element.
//! <https://hl7.org/fhir/R4/search.html#composite>

use std::borrow::Cow;

use canonical_model::ResourceId;
use conformance::SearchParamKind;

use super::date::range;
use super::number::{Asked, read};
use super::text::comparable;
use super::token::token;
use super::values::{split, split_once, unescape};
use super::{Criterion, Parsed, any, implicit};
use crate::catalogue::Part;
use crate::expr::{Expr, RangeTest, TextTest};
use crate::extract::reference::{Named, named};
use crate::extract::{instances, nth_of};
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
    if values.len() != parts.len() || values.iter().any(|value| matches!(*value, "" | "|")) {
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
        [] => Expr::any(heads.into_iter().map(|head| Expr::mark(hasher.whole(head))).collect()),
        [(part, value)] => Ordered::read(it, part, value)?.under(it, &heads),
        several => tied(it, several, &heads)?,
    });
    Ok(Expr::And(tests))
}

/// Ordered parts of one instance, whichever it is.
fn tied(it: &Criterion<'_>, parts: &[(&Part, &&str)], heads: &[Param]) -> Parsed {
    let hasher = it.context.catalogue.hasher();
    let asked: Vec<Ordered> = parts
        .iter()
        .map(|(part, value)| Ordered::read(it, part, value))
        .collect::<Result<_, _>>()?;
    let of_instance = |instance: usize| {
        let tests = asked.iter().enumerate().map(|(nth, asked)| {
            let number = Discrete::Nth(nth_of(nth, instance));
            let heads: Vec<Param> = heads.iter().map(|head| hasher.part(*head, &number)).collect();
            asked.under(it, &heads)
        });
        Expr::And(tests.collect())
    };
    Ok(Expr::any(instances().map(of_instance).collect()))
}

/// What an ordered part is compared with.
enum Ordered {
    Date(RangeTest<i64>),
    /// How it begins, folded.
    Text(String),
    Number(Asked),
}

impl Ordered {
    fn read(it: &Criterion<'_>, part: &Part, value: &str) -> Result<Self, Refusal> {
        let ordered = match part.kind {
            SearchParamKind::Date => range(it.context, &part.code, value).map(Self::Date),
            SearchParamKind::String => comparable(it, value).map(Self::Text),
            kind => read(it, value, kind == SearchParamKind::Quantity)
                .map(|asked| Self::Number(asked.narrow())),
        };
        ordered.map_err(|refusal| refusal.about(value))
    }

    /// Its test under narrowed parameters.
    fn under(&self, it: &Criterion<'_>, heads: &[Param]) -> Expr {
        match self {
            Self::Date(test) => {
                let tests = heads.iter().map(|head| Expr::Date(*head, *test)).collect();
                Expr::Beside(Box::new(Expr::any(tests)))
            }
            Self::Text(folded) => {
                let test = Expr::Text(heads.to_vec(), TextTest::Prefix(folded.clone()));
                Expr::Beside(Box::new(test))
            }
            Self::Number(asked) => asked.under(it, heads),
        }
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
            let of_part = Criterion { param, modifier: None, values: Vec::new(), ..*it };
            tests.push(token(&of_part, value)?);
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
        _ => match split_once(value, '|') {
            None => Ok(vec![Discrete::Code(plain)]),
            Some((system, code)) => coded(it, part, &unescape(system), unescape(code).into()),
        },
    }
}

fn coded<'a>(
    it: &Criterion<'_>,
    part: &Part,
    system: &str,
    code: Cow<'a, str>,
) -> Result<Vec<Discrete<'a>>, Refusal> {
    if let Some(param) = it.context.catalogue.plan(it.kind)?.find(&part.code)
        && let Some(codes) = implicit::codes(it, param, system, code.clone())?
    {
        return Ok(codes.into_iter().map(Discrete::Code).collect());
    }
    let system = system.to_owned().into();
    Ok(vec![match code.is_empty() {
        true => Discrete::System(system),
        false => Discrete::SystemCode(system, code),
    }])
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
