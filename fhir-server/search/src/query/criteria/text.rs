//! <https://hl7.org/fhir/R4/search.html#string>

use super::operator::Operator;
use super::values::unescape;
use super::{Criterion, Parsed, any};
use crate::expr::{Expr, TextTest};
use crate::fold::fold;
use crate::keys::Aspect;

pub(super) fn criterion(it: &Criterion<'_>) -> Parsed {
    match it.modifier {
        // A filter's `eq` asks for the whole, folded; a parameter alone how it begins.
        None if it.context.operator == Some(Operator::Equal) => {
            any(&it.values, |value| folded(it, value, TextTest::Equals))
        }
        None => any(&it.values, |value| folded(it, value, TextTest::Prefix)),
        Some("contains") => any(&it.values, |value| folded(it, value, TextTest::Contains)),
        Some("exact") => any(&it.values, |value| exact(it, value)),
        Some(_) => Err(it.unsupported()),
    }
}

fn folded(it: &Criterion<'_>, value: &str, test: fn(String) -> TextTest) -> Parsed {
    let folded = fold(&unescape(value));
    if folded.is_empty() {
        return Err(it.wrong("the value has no letters"));
    }
    Ok(Expr::Text(it.param.lookups(), test(folded)))
}

/// The folded text finds it, its exact writing is checked on the candidate.
fn exact(it: &Criterion<'_>, value: &str) -> Parsed {
    let plain = unescape(value);
    let hasher = it.context.catalogue.hasher();
    let facet = hasher.facet(hasher.aspect(it.param.param, &Aspect::Exact), &plain);
    let found = folded(it, value, TextTest::Equals)?;
    Ok(Expr::And(vec![found, Expr::Facet(facet)]))
}
