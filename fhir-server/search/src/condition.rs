//! A search that each resource decides by itself: what a right may be narrowed by, as SMART writes it behind a
//! scope's `?`. <https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html#finer-grained-resource-constraints-using-search-parameters>

use canonical_model::{Error, ResourceType, Result};
use conformance::SearchParamKind;

use crate::catalogue::Catalogue;
use crate::entries::IndexEntries;
use crate::expr::Expr;
use crate::holds::holds;
use crate::query::{Handling, Pair, QueryContext, parse, tame};
use crate::terms::Terms;

/// Reads parameters as what must hold of a resource of the type, decidable from its index values alone: it can be
/// tested of a head in SQL, and of what is not stored yet in memory.
///
/// Only FHIR's own parameters: one of one's own may go, and with it what a right was narrowed by.
///
/// # Errors
/// Invalid, saying what to change, for whatever else a search may ask: modifiers, chains, `_has`, includes, what
/// shapes an answer, terminology, and parameters that are neither token, reference, uri nor date.
pub fn condition(
    catalogue: &Catalogue,
    base: &str,
    kind: ResourceType,
    pairs: &[Pair],
) -> Result<Expr> {
    pairs.iter().try_for_each(|(name, _)| expect(catalogue, kind, name))?;
    let mut terms = Terms::default();
    let context = QueryContext::new(catalogue, base, Handling::Strict, &terms);
    let filter = parse(context, kind, pairs)?.filter;
    if let Some((_, place)) = terms.asked().first() {
        let name = place.trim_start_matches("http.");
        let text = format!("{name}: its codes have no system of their own; name the code alone");
        return Err(Error::invalid(text));
    }
    match holds(&filter, &IndexEntries::default()) {
        Some(_) => Ok(filter),
        None => Err(Error::invalid("a resource does not decide these parameters by itself")),
    }
}

/// Refuses a parameter that asks for more than one resource's own values.
fn expect(catalogue: &Catalogue, kind: ResourceType, name: &str) -> Result<()> {
    let told = tame(name);
    let refused = |why: &str| Err(Error::invalid(format!("{told}: {why}")));
    if ["_has", "_include", "_revinclude"].iter().any(|word| name.starts_with(word)) {
        return refused("it leads to other resources; name parameters of the type itself");
    }
    if name.contains(':') {
        return refused("no modifiers here; leave out the `:` and what is behind it");
    }
    if name.contains('.') {
        return refused("no chains here; leave out the `.` and what is behind it");
    }
    let param = catalogue.plan(kind)?.find(name);
    if matches!(name, "_id" | "_lastUpdated") || (name.starts_with('_') && param.is_none()) {
        return refused("it is not of a resource's content; name a parameter that is, as code");
    }
    // What is not known at all the search itself says, and what may have been meant.
    let Some(param) = param else { return Ok(()) };
    if param.custom.is_some() {
        return refused("only parameters of FHIR itself; this one is of this server");
    }
    match param.definition.kind {
        SearchParamKind::Token
        | SearchParamKind::Reference
        | SearchParamKind::Uri
        | SearchParamKind::Date => Ok(()),
        SearchParamKind::String
        | SearchParamKind::Number
        | SearchParamKind::Quantity
        | SearchParamKind::Composite
        | SearchParamKind::Special => {
            refused("name parameters of the kinds token, reference, uri and date only")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Hasher;
    use crate::query::parse_pairs;

    #[test]
    fn what_a_resource_decides_itself_is_read_and_all_else_refused() {
        let catalogue = Catalogue::new(Hasher::new(&[5; 16]));
        let text = |kind: &str, query: &str| {
            let kind = ResourceType::find(kind).expect(kind);
            let pairs = parse_pairs(query).expect(query);
            match condition(&catalogue, "http://x.example/fhir", kind, &pairs) {
                Ok(expr) => format!("{} test(s)", expr.tests()),
                Err(error) => error.issues.first().map(|it| it.diagnostics.clone()).expect("said"),
            }
        };
        for (kind, query, expected) in [
            ("Observation", "category=http://h.example|laboratory", "1 test(s)"),
            ("Observation", "category=a,b&status=final", "3 test(s)"),
            ("Observation", "subject=Patient/1&date=ge2024&date=lt2025-02", "3 test(s)"),
            ("Observation", "_security=R&_profile=http://p.example/a", "2 test(s)"),
            (
                "Observation",
                "catgory=a",
                "Observation has no search parameter `catgory`; did you mean `category`?",
            ),
            (
                "Observation",
                "category:not=a",
                "category:not: no modifiers here; leave out the `:` and what is behind it",
            ),
            (
                "Observation",
                "subject:Patient=1",
                "subject:Patient: no modifiers here; leave out the `:` and what is behind it",
            ),
            (
                "Observation",
                "subject.name=a",
                "subject.name: no chains here; leave out the `.` and what is behind it",
            ),
            (
                "Patient",
                "_has:Observation:subject:code=1",
                "_has:Observation:subject:code: it leads to other resources; name parameters of the type itself",
            ),
            (
                "Observation",
                "_include=Observation:subject",
                "_include: it leads to other resources; name parameters of the type itself",
            ),
            (
                "Observation",
                "_count=1",
                "_count: it is not of a resource's content; name a parameter that is, as code",
            ),
            (
                "Observation",
                "_filter=code eq a",
                "_filter: name parameters of the kinds token, reference, uri and date only",
            ),
            (
                "Observation",
                "_id=1",
                "_id: it is not of a resource's content; name a parameter that is, as code",
            ),
            (
                "Observation",
                "_lastUpdated=gt2020",
                "_lastUpdated: it is not of a resource's content; name a parameter that is, as code",
            ),
            (
                "Observation",
                "value-quantity=5",
                "value-quantity: name parameters of the kinds token, reference, uri and date only",
            ),
            (
                "Patient",
                "family=a",
                "family: name parameters of the kinds token, reference, uri and date only",
            ),
            (
                "Observation",
                "status=http://hl7.org/fhir/observation-status|final",
                "status: its codes have no system of their own; name the code alone",
            ),
            (
                "Observation",
                "date=soon",
                "date: expected a date such as 2026-01-31, with a prefix such as ge before it (at character 1)",
            ),
            ("Observation", "category=", "category: the value is empty (at character 1)"),
        ] {
            assert_eq!(text(kind, query), expected, "{kind}?{query}");
        }
    }
}
