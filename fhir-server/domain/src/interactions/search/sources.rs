//! Includes from types that the search does not find. <https://hl7.org/fhir/R4/search.html#include>

use canonical_model::{Error, Issue, IssueCode, Kind, ResourceType, Result, Severity};
use search::Query;
use search::query::{Handling, Include, Pair};

/// Takes out, or refuses, includes from a type that no match can be of: nothing would ever be included.
pub(super) fn expect_sources(queries: &mut [Query], handling: Handling) -> Result<()> {
    let kinds: Vec<ResourceType> = queries.iter().map(|query| query.kind).collect();
    let idle = |include: &Include| {
        !include.reverse && !include.iterate && !kinds.contains(&include.source)
    };
    let said = |include: &Include| {
        let text = format!(
            "_include: this search finds no {}, so nothing is included from there; `_include:iterate` \
             starts from what is included",
            include.source
        );
        Issue::warning(IssueCode::NotSupported, text).at("http._include")
    };
    let issues: Vec<Issue> = queries
        .first()
        .into_iter()
        .flat_map(|query| &query.includes)
        .filter(|it| idle(it))
        .map(said)
        .collect();
    if issues.is_empty() {
        return Ok(());
    }
    if handling == Handling::Strict {
        let error = |issue| Issue { severity: Severity::Error, ..issue };
        let issues = issues.into_iter().map(error).collect();
        return Err(Error::from_issues(Kind::Invalid, issues));
    }
    let idle_pair = |(name, value): &Pair| {
        let source = value.split(':').next().and_then(ResourceType::find);
        name == "_include" && source.is_some_and(|source| !kinds.contains(&source))
    };
    for query in queries.iter_mut() {
        query.includes.retain(|include| !idle(include));
        query.applied.retain(|pair| !idle_pair(pair));
        query.ignored.extend(issues.iter().cloned());
    }
    Ok(())
}
