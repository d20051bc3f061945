//! What an expression says of one resource in memory: the same as its SQL says of the resource's head.

use crate::entries::IndexEntries;
use crate::expr::{Expr, KeyTest, RangeTest};
use crate::keys::Param;

/// Whether it holds of a resource with these index values; `None` where they do not decide: other resources do,
/// or a text, a number, a position, or what is no index value.
///
/// The meaning of `store`'s lowering onto a head, which a test holds it to. Whether there is an answer depends on the
/// expression alone, never on the values.
#[must_use]
pub fn holds(expr: &Expr, entries: &IndexEntries) -> Option<bool> {
    match expr {
        Expr::And(parts) => all(parts, entries).map(|held| held.into_iter().all(|it| it)),
        Expr::Or(parts) => all(parts, entries).map(|held| held.into_iter().any(|it| it)),
        Expr::Not(inner) => holds(inner, entries).map(|held| !held),
        Expr::Beside(inner) => holds(inner, entries),
        Expr::Key(test) => Some(key(test, entries)),
        Expr::Facet(facet) => Some(entries.facets.contains(facet)),
        Expr::Date(param, test) => Some(date(*param, std::slice::from_ref(test), entries)),
        Expr::OneDate(param, tests) => Some(date(*param, tests, entries)),
        Expr::Owned(patient) => Some(entries.patients.contains(patient)),
        Expr::Text(..)
        | Expr::Number(..)
        | Expr::Near(_)
        | Expr::Chain(_)
        | Expr::Has(_)
        | Expr::Listed { .. }
        | Expr::Words { .. }
        | Expr::Updated(_)
        | Expr::Identity(_) => None,
    }
}

/// Each of the parts; `None` where one is not decided, whatever the others say.
fn all(parts: &[Expr], entries: &IndexEntries) -> Option<Vec<bool>> {
    parts.iter().map(|part| holds(part, entries)).collect()
}

fn key(test: &KeyTest, entries: &IndexEntries) -> bool {
    let mut facets = test.facet.iter().chain(&test.half);
    entries.keys.contains(&test.lookup) && facets.all(|facet| entries.facets.contains(facet))
}

/// Whether one value passes all.
fn date(param: Param, tests: &[RangeTest<i64>], entries: &IndexEntries) -> bool {
    let mut values = entries.dates.iter().chain(&entries.beside.dates);
    values.any(|(of, lo, hi)| *of == param && tests.iter().all(|test| test.holds(*lo, *hi)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::{Breadth, Prefix};

    fn key_of(lookup: i64, facet: Option<i32>) -> Expr {
        let (half, patient, timed, breadth) = (None, None, false, Breadth::Common);
        Expr::Key(KeyTest { lookup, facet, half, patient, timed, breadth })
    }

    #[test]
    fn of_the_same_value_or_not_at_all() {
        let entries = IndexEntries {
            keys: vec![1, 2],
            facets: vec![10],
            dates: vec![(Param(5), 0, 10), (Param(5), 100, 110), (Param(6), 50, 60)],
            ..IndexEntries::default()
        };
        let between = |lo, hi| {
            vec![
                RangeTest { prefix: Prefix::Ge, lo, hi: lo },
                RangeTest { prefix: Prefix::Le, lo: hi, hi },
            ]
        };
        let or = |parts: Vec<Expr>| Expr::Or(parts);
        for (expr, expected) in [
            (key_of(1, None), Some(true)),
            (key_of(1, Some(10)), Some(true)),
            (key_of(1, Some(11)), Some(false)),
            (key_of(3, Some(10)), Some(false)),
            (Expr::Not(Box::new(key_of(3, None))), Some(true)),
            (Expr::And(Vec::new()), Some(true)),
            (or(Vec::new()), Some(false)),
            (or(vec![key_of(3, None), Expr::Facet(10)]), Some(true)),
            (Expr::OneDate(Param(5), between(90, 120)), Some(true)),
            // One value begins after 5, another before 90, none between.
            (Expr::OneDate(Param(5), between(20, 90)), Some(false)),
            (or(vec![key_of(1, None), Expr::Identity(vec![1])]), None),
            (Expr::Updated(RangeTest { prefix: Prefix::Eq, lo: 0, hi: 1 }), None),
        ] {
            assert_eq!(holds(&expr, &entries), expected, "{expr:?}");
            let decided = holds(&expr, &IndexEntries::default()).is_some();
            assert_eq!(decided, expected.is_some(), "{expr:?}");
        }
    }
}
