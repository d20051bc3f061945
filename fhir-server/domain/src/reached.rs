//! What a caller reaches, said as part of their search: the store tests that anyway, and finds it so by an index instead
//! of passing over everything else.

use access::Action;
use canonical_model::{ResourceType, Result};
use search::{Expr, Query, QueryContext};

use crate::{Domain, Request};

/// Says of a search by somebody who reaches one patient's resources alone, or those that meet one condition, that it is
/// for these.
pub(crate) fn reached(
    domain: &Domain,
    request: &Request,
    context: QueryContext<'_>,
    mut query: Query,
) -> Result<Query> {
    // Who reaches nothing is told so where the search begins.
    let Ok(access) = domain.decide(request, query.kind, Action::Search) else { return Ok(query) };
    if let Some(patient) = access.only_patient(query.kind) {
        let part = search::query::compartment(context, ResourceType::PATIENT, patient, query.kind)?;
        query = part.into_iter().fold(query, within);
    }
    if let Some(condition) = access.only_condition(query.kind) {
        query = parts(condition.expr().clone()).into_iter().fold(query, within);
    }
    Ok(query)
}

/// The same search, for what is this too.
pub(crate) fn within(mut query: Query, part: Expr) -> Query {
    let mut all = parts(query.filter);
    if !all.contains(&part) {
        all.insert(0, part);
    }
    query.filter = Expr::all(all);
    query
}

/// What all must hold.
fn parts(filter: Expr) -> Vec<Expr> {
    match filter {
        Expr::And(parts) => parts,
        other => vec![other],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use canonical_model::Error;
    use search::query::{Handling, parse, parse_pairs};
    use search::{Catalogue, Hasher, Terms};

    /// A constrained search is planned by its filter alone, so as one that names the constraint.
    #[test]
    fn a_condition_becomes_a_criterion_said_once() -> Result<()> {
        let (catalogue, terms) = (Catalogue::new(Hasher::new(&[4; 16])), Terms::default());
        let context = QueryContext::new(&catalogue, "http://x.example", Handling::Strict, &terms);
        let kind = ResourceType::parse("Observation")?;
        let filter = |text: &str| Ok::<_, Error>(parse(context, kind, &parse_pairs(text)?)?.filter);
        for (asked, condition, both) in [
            ("code=a", "category=urn:c|lab", "category=urn:c|lab&code=a"),
            ("category=urn:c|lab&code=a", "category=urn:c|lab", "category=urn:c|lab&code=a"),
            ("", "category=urn:c|lab", "category=urn:c|lab"),
            ("code=a", "category=x,y&status=final", "status=final&category=x,y&code=a"),
            (
                "status=final&code=a",
                "category=x,y&status=final",
                "category=x,y&status=final&code=a",
            ),
        ] {
            let query = parse(context, kind, &parse_pairs(asked)?)?;
            let query = parts(filter(condition)?).into_iter().fold(query, within);
            assert_eq!(parts(query.filter), parts(filter(both)?), "{asked} within {condition}");
        }
        Ok(())
    }
}
