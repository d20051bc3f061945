//! <https://hl7.org/fhir/R4/search.html#reference>

use canonical_model::fhirpath::reference_type;
use canonical_model::{ResourceId, ResourceType};

use super::token::{identifier, key};
use super::values::unescape;
use super::{Criterion, Parsed, any, canonical};
use crate::expr::{Breadth, Expr, KeyTest};
use crate::extract::reference::{Named, named};
use crate::keys::Aspect;
use crate::limits::BARE_ID_TYPES_MAX;

pub(super) fn criterion(it: &Criterion<'_>) -> Parsed {
    let narrowed = match it.modifier {
        None => None,
        Some("identifier") => return any(&it.values, |value| identifier(it, value)),
        Some("above" | "below") if canonical::is(it) => {
            return any(&it.values, |value| canonical::related(it, &unescape(value)));
        }
        Some(name) => Some(ResourceType::find(name).ok_or_else(|| it.unsupported())?),
    };
    // Its index may be that of a wider parameter: `patient` of `subject`.
    if let Some(kind) = narrowed.filter(|kind| !it.allows(*kind)) {
        return Err(it.wrong(&format!("this does not point to the type {kind}")));
    }
    any(&it.values, |value| reference(it, narrowed, value))
}

/// An id, a type and id, or a URL; with a version it means that version only.
pub(super) fn reference(it: &Criterion<'_>, narrowed: Option<ResourceType>, value: &str) -> Parsed {
    let value = unescape(value);
    if ResourceId::is_legal(&value) && ResourceType::find(&value).is_none() {
        return bare(it, narrowed, &value);
    }
    let hasher = it.context.catalogue.hasher();
    match named(&value, it.context.base) {
        Some(Named::Here { kind, id, version }) => {
            if narrowed.is_some_and(|n| n != kind) || !it.allows(kind) {
                return Ok(Expr::Or(Vec::new()));
            }
            Ok(versioned(it, target(it, kind, id), &format!("{kind}/{id}"), version))
        }
        Some(Named::There { uri, version }) => {
            match narrowed.map(|kind| (kind, reference_type(uri))) {
                Some((_, None)) => {
                    let text =
                        "with a type behind `:` an id is expected, or a URL that names the type";
                    return Err(it.wrong(text));
                }
                Some((kind, Some(named))) if kind != named => return Ok(Expr::Or(Vec::new())),
                Some(_) | None => {}
            }
            let own = it.param.alias.then(|| hasher.facet(it.param.own, uri));
            let found = key(it, hasher.uri(it.param.param, uri), own);
            Ok(versioned(it, found, uri, version))
        }
        None => Err(it.wrong("`#` names something inside one resource only")),
    }
}

pub(super) fn versioned(
    it: &Criterion<'_>,
    found: Expr,
    name: &str,
    version: Option<&str>,
) -> Expr {
    let Some(version) = version else { return found };
    let hasher = it.context.catalogue.hasher();
    let under = hasher.aspect(it.param.param, &Aspect::Version);
    Expr::And(vec![found, Expr::Facet(hasher.facet(under, &format!("{name}|{version}")))])
}

/// An id alone may mean any of the parameter's types.
fn bare(it: &Criterion<'_>, narrowed: Option<ResourceType>, id: &str) -> Parsed {
    let targets = &it.param.targets;
    let kinds = match narrowed {
        Some(kind) => vec![kind],
        None if (1..=BARE_ID_TYPES_MAX).contains(&targets.len()) => targets.clone(),
        None => {
            let text = "this can point to many types: name the type, as in Patient/1";
            return Err(it.wrong(text));
        }
    };
    Ok(Expr::any(kinds.into_iter().map(|kind| target(it, kind, id)).collect()))
}

pub(super) fn target(it: &Criterion<'_>, kind: ResourceType, id: &str) -> Expr {
    let hasher = it.context.catalogue.hasher();
    let identity = hasher.identity(kind, id);
    let owner = kind == ResourceType::PATIENT && it.param.compartment;
    Expr::Key(KeyTest {
        lookup: hasher.reference(it.param.param, identity),
        facet: None,
        half: None,
        patient: owner.then_some(identity),
        timed: false,
        breadth: Breadth::Owned,
    })
}
