//! <https://hl7.org/fhir/R4/search.html#string>

use super::operator::Operator;
use super::values::unescape;
use super::{Criterion, Parsed, any};
use crate::expr::{Expr, TextTest};
use crate::fold::fold;
use crate::keys::Aspect;
use crate::limits::STRING_BYTES_MAX;
use crate::query::refusal::Refusal;

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
    Ok(Expr::Text(it.param.lookups(), test(comparable(it, value)?)))
}

/// A value as texts are compared. One that may have been cut, as theirs are, could be equal where it is not.
pub(super) fn comparable(it: &Criterion<'_>, value: &str) -> Result<String, Refusal> {
    let folded = letters(it, value)?;
    if folded.len() + LETTER_BYTES_MAX > STRING_BYTES_MAX {
        return Err(it.wrong("the value is longer than what is compared of a text, 16 kB"));
    }
    Ok(folded)
}

fn letters(it: &Criterion<'_>, value: &str) -> Result<String, Refusal> {
    let folded = fold(&unescape(value));
    if folded.is_empty() { Err(it.wrong("the value has no letters")) } else { Ok(folded) }
}

/// Bytes of a letter, with the gap before it: a text that was cut lacks no more to the limit.
const LETTER_BYTES_MAX: usize = 5;

/// The folded text finds it, its exact writing is checked on the candidate.
fn exact(it: &Criterion<'_>, value: &str) -> Parsed {
    let plain = unescape(value);
    let hasher = it.context.catalogue.hasher();
    let facet = hasher.facet(hasher.aspect(it.param.param, &Aspect::Exact), &plain);
    let found = Expr::Text(it.param.lookups(), TextTest::Equals(letters(it, value)?));
    Ok(Expr::And(vec![found, Expr::Facet(facet)]))
}
