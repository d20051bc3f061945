//! <https://hl7.org/fhir/R4/search.html#date>

use canonical_model::date::PartialDateTime;

use super::operator::Operator;
use super::{Criterion, Parsed, any};
use crate::expr::{Expr, Prefix, RangeTest};
use crate::query::parse::QueryContext;
use crate::query::refusal::Refusal;

pub(super) fn criterion(it: &Criterion<'_>) -> Parsed {
    if it.modifier.is_some() {
        return Err(it.unsupported());
    }
    any(&it.values, |value| Ok(Expr::Date(it.param.param, range(it.context, it.name(), value)?)))
}

/// A date with its prefix.
pub(super) fn range(
    context: QueryContext<'_>,
    name: &str,
    value: &str,
) -> Result<RangeTest<i64>, Refusal> {
    let (prefix, rest) = Prefix::split(value);
    let date = PartialDateTime::parse(rest).map_err(|_| {
        let mut text =
            "expected a date such as 2026-01-31, with a prefix such as ge before it".to_owned();
        if rest.contains('T') && rest.contains(' ') {
            text.push_str("; the `+` of a time zone is written %2B in a URL");
        }
        Refusal::value(name, &text).about(rest)
    })?;
    let (lo, hi) = date.range();
    Ok(match prefix {
        Prefix::Ap => widened(lo, hi),
        // The periods overlap, as written.
        _ if context.operator == Some(Operator::Overlaps) => {
            RangeTest { prefix: Prefix::Ap, lo, hi }
        }
        _ => RangeTest { prefix, lo, hi },
    })
}

/// `ap`: a day either way. The specification proposes a tenth of the distance from now; that would
/// make the answer depend on the clock, and the same page link mean two things.
fn widened(lo: i64, hi: i64) -> RangeTest<i64> {
    const DAY: i64 = 86_400_000_000;
    let slack = DAY.max((hi - lo) / 10);
    RangeTest { prefix: Prefix::Ap, lo: lo.saturating_sub(slack), hi: hi.saturating_add(slack) }
}
