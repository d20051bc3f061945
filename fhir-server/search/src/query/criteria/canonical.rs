//! Uris and canonicals. A canonical's version lies beside its URL.
//! <https://hl7.org/fhir/R4/search.html#uri>, <https://hl7.org/fhir/R4/references.html#canonical>

use std::borrow::Cow;

use conformance::SearchParamKind;

use super::reference::{target, versioned};
use super::token::key;
use super::values::unescape;
use super::{Criterion, Parsed, any};
use crate::expr::Expr;
use crate::extract::reference::{Named, ladder, named, versions};
use crate::keys::Aspect;

const REFERENCE: SearchParamKind = SearchParamKind::Reference;

/// Whether values of the parameter may be canonicals.
pub(super) fn is(it: &Criterion<'_>) -> bool {
    it.param.path.as_ref().is_some_and(|path| path.types().iter().any(|name| name == "canonical"))
}

/// A parameter of the kind uri. A canonical without a version means them all.
pub(super) fn uri(it: &Criterion<'_>) -> Parsed {
    any(&it.values, |value| {
        let value = unescape(value);
        let canonical = is(it).then(|| value.split_once('|')).flatten();
        match (it.modifier, canonical) {
            (None, Some((uri, version))) => Ok(versioned(it, exact(it, uri), uri, Some(version))),
            (None, None) => Ok(exact(it, &value)),
            (Some("above" | "below"), Some(_)) => related(it, &value),
            (Some("above"), None) => {
                let above = ladder(&value);
                Ok(Expr::any(
                    above.flat_map(|uri| [exact(it, uri), exact(it, &format!("{uri}/"))]).collect(),
                ))
            }
            (Some("below"), None) => {
                let hasher = it.context.catalogue.hasher();
                let under = hasher.aspect(it.param.param, &Aspect::Below);
                Ok(Expr::mark(hasher.mark(under, value.trim_end_matches('/'))))
            }
            (Some(_), _) => Err(it.unsupported()),
        }
    })
}

fn exact(it: &Criterion<'_>, uri: &str) -> Expr {
    key(it, it.context.catalogue.hasher().uri(it.param.param, uri), None)
}

/// `url|1.2` with `:below` means versions 1.2 and 1.2.x, with `:above` 1.2 and 1.
pub(super) fn related(it: &Criterion<'_>, value: &str) -> Parsed {
    let parts =
        value.split_once('|').filter(|(uri, version)| !uri.is_empty() && !version.is_empty());
    let (uri, version) = parts
        .ok_or_else(|| it.wrong("expected url|version: versions are above or below others"))?;
    let hasher = it.context.catalogue.hasher();
    // One of a resource here is known by its type and id, as a reference is.
    let (found, uri) = match named(uri, it.context.base) {
        Some(Named::Here { kind, id, .. }) if it.param.definition.kind == REFERENCE => {
            (target(it, kind, id), Cow::Owned(format!("{kind}/{id}")))
        }
        _ => (exact(it, uri), Cow::Borrowed(uri)),
    };
    let facet = |aspect: &Aspect<'_>, version: &str| {
        let under = hasher.aspect(it.param.param, aspect);
        Expr::Facet(hasher.facet(under, &format!("{uri}|{version}")))
    };
    let of_version = match it.modifier {
        Some("below") => facet(&Aspect::VersionBelow, version),
        _ => Expr::any(versions(version).map(|above| facet(&Aspect::Version, above)).collect()),
    };
    Ok(Expr::And(vec![found, of_version]))
}
