//! Parameters of every type that are no element's values, and `near`.
//! <https://hl7.org/fhir/R4/search.html#all>

use canonical_model::{ResourceId, ResourceType};
use conformance::SearchParamKind;

use super::date::range;
use super::values::{split, unescape};
use super::{Criterion, Parsed, any, identity, sealed};
use crate::expr::{Circle, Expr};
use crate::keys::Aspect;
use crate::limits::{LATITUDE_MAX, LONGITUDE_MAX};
use crate::measure::{UCUM, of_unit};
use crate::query::parse::QueryContext;
use crate::query::refusal::{Refusal, tame};
use crate::words::fold_word;

/// A common parameter, if it is one of these.
pub(super) fn common(
    context: QueryContext<'_>,
    kind: ResourceType,
    code: &str,
    modifier: Option<&str>,
    values: &[&str],
) -> Option<Parsed> {
    let of = |kind: SearchParamKind| -> Result<(), Refusal> {
        context.operator.map_or(Ok(()), |operator| operator.check(code, kind, values))
    };
    let read: fn(QueryContext<'_>, ResourceType, &[&str]) -> Parsed = match code {
        "_id" => |context, kind, values| Ok(identity(context, kind, values)),
        "_lastUpdated" => |context, _, values| {
            any(values, |value| Ok(Expr::Updated(range(context, "_lastUpdated", value)?)))
        },
        "_text" => |context, kind, values| {
            let closed = context.catalogue.seals(kind, &format!("{kind}.text"));
            any_words(kind, "_text", closed, values)
        },
        "_content" => |context, kind, values| {
            any_words(kind, "_content", context.catalogue.seals_some(kind), values)
        },
        "_list" => |context, _, values| any(values, |value| list(context, value)),
        "_query" => |_, _, _| Err(Refusal::unsupported("_query: no named queries are offered")),
        "_filter" => |_, _, _| Err(Refusal::unsupported("_filter: has no modifier")),
        _ => return None,
    };
    Some(match modifier {
        None if values.iter().any(|value| value.is_empty()) => {
            let empty = values.iter().find(|value| value.is_empty()).copied().unwrap_or_default();
            Err(Refusal::value(code, "the value is empty").about(empty))
        }
        None => of(kind_of(code)).and_then(|()| read(context, kind, values)),
        Some(modifier) => {
            let text = format!("{code}: the modifier `{}` is not supported on it", tame(modifier));
            Err(Refusal::unsupported(text))
        }
    })
}

/// The kind that such a parameter is compared as.
fn kind_of(code: &str) -> SearchParamKind {
    match code {
        "_id" => SearchParamKind::Token,
        "_lastUpdated" => SearchParamKind::Date,
        _ => SearchParamKind::Special,
    }
}

/// One of the texts. Words of what is stored sealed are refused: they would never be found.
fn any_words(kind: ResourceType, code: &str, closed: bool, values: &[&str]) -> Parsed {
    if closed {
        return Err(sealed(kind, code));
    }
    any(values, |value| words(code, code == "_content", value))
}

/// All of the words, in any order.
fn words(name: &str, content: bool, value: &str) -> Parsed {
    let words: Vec<String> = unescape(value).split_whitespace().map(fold_word).collect();
    if words.is_empty() {
        return Err(Refusal::value(name, "the value has no words"));
    }
    Ok(Expr::Words { content, words })
}

fn list(context: QueryContext<'_>, value: &str) -> Parsed {
    let id = value.strip_prefix("List/").unwrap_or(value);
    if !ResourceId::is_legal(id) {
        return Err(Refusal::value("_list", "expected the id of a List"));
    }
    let kind = ResourceType::parse("List")?;
    let plan = context.catalogue.plan(kind)?;
    let item = plan.find("item").map(|param| param.param);
    let item = item.ok_or_else(|| Refusal::unsupported("_list: lists have no items here"))?;
    Ok(Expr::Listed { list: context.catalogue.hasher().identity(kind, id), item })
}

/// Kilometres around a point when the client names no distance.
const NEAR_KM: f64 = 50.0;

/// `latitude|longitude|distance|unit`. <https://hl7.org/fhir/R4/location.html#positional>
pub(super) fn near(it: &Criterion<'_>) -> Parsed {
    if it.name() != "near" || it.modifier.is_some() {
        return Err(it.unsupported());
    }
    any(&it.values, |value| circle(it, value))
}

fn circle(it: &Criterion<'_>, value: &str) -> Parsed {
    let parts = split(value, '|');
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
    let part = |n: usize| parts.get(n).copied().filter(|part| !part.is_empty());
    let shape = || it.wrong("expected latitude|longitude|distance|unit, as 42.36|-71.06|10|km");
    let point = part(0).and_then(number).zip(part(1).and_then(number));
    let (latitude, longitude) = point.filter(|_| parts.len() <= 4).ok_or_else(shape)?;
    if latitude.abs() > LATITUDE_MAX || longitude.abs() > LONGITUDE_MAX {
        return Err(it.wrong("a latitude is at most 90 degrees, a longitude 180"));
    }
    let distance = match part(2) {
        Some(text) => number(text).filter(|distance| *distance >= 0.0).ok_or_else(shape)?,
        None => NEAR_KM,
    };
    let kilometres = |unit: &str| match (of_unit(UCUM, unit), of_unit(UCUM, "m")) {
        ((unit, Some(scale)), (metre, _)) if unit == metre => Some(scale.apply(distance) / 1000.0),
        _ => None,
    };
    let radius = kilometres(part(3).unwrap_or("km"))
        .ok_or_else(|| it.wrong("the unit is a length in UCUM, as km or [mi_us]"))?;
    let latitude_param = it.param.param;
    let longitude_param = it.context.catalogue.hasher().aspect(latitude_param, &Aspect::Longitude);
    Ok(Expr::Near(Circle { latitude_param, longitude_param, latitude, longitude, radius }))
}
