//! The door to terminology: the codes that a search means by `:in`, `:not-in`, `:above` and `:below`.
//!
//! They come from the CodeSystems and ValueSets that are stored, as far as the caller may search those,
//! and from the package of FHIR itself, that anybody may read. What cannot be told is refused: a search
//! is never answered wider or narrower than it was asked.

mod budget;
mod concepts;
mod definitions;
mod expand;
mod filters;

use canonical_model::{Error, IssueCode, Result};
use search::limits::CONCEPTS_MAX;
use search::query::Handling;
use search::{Code, QueryContext, Term, Terms};

use crate::parameters::look;
use crate::{Domain, Request};
use concepts::Concepts;
use definitions::Definitions;

/// On whose behalf definitions are read.
#[derive(Clone, Copy, Debug)]
pub enum Reader<'a> {
    /// A caller, with their rights.
    Caller(&'a Request),
    /// The server's operator.
    Operator,
}

/// Reads a query, together with the codes it means. `read` is called again where it asked for any.
///
/// # Errors
/// What `read` refuses; Unprocessable for what is not known or cannot be told, TooLarge for what has more
/// codes than a search may mean, Forbidden where it may be stored and the caller may not search there.
pub async fn reading<T>(
    domain: &Domain,
    reader: Reader<'_>,
    handling: Handling,
    read: impl Fn(QueryContext<'_>) -> Result<T>,
) -> Result<T> {
    let mut terms = Terms::default();
    let mut definitions = Definitions::new(domain, reader);
    let mut looked = false;
    loop {
        let catalogue = domain.catalogue();
        let context = QueryContext::new(&catalogue, domain.base(), handling, &terms);
        let query = match read(context) {
            // What is not known here may be known to another server, since a moment ago.
            Err(error) if !looked && is_unknown(&error) => {
                looked = true;
                if look(domain).await? {
                    continue;
                }
                return Err(error);
            }
            query => query?,
        };
        let asked = terms.asked();
        if asked.is_empty() {
            return Ok(query);
        }
        for (term, place) in asked {
            // A long search with many answers leaves the thread to others in between.
            tokio::task::yield_now().await;
            let codes = look_up(&mut definitions, &term).await;
            let codes = codes.and_then(|codes| {
                definitions.budget().learn(codes.len())?;
                Ok(codes)
            });
            let codes = codes.map_err(|error| {
                // The place names the parameter; what else the error says is of the definitions.
                Error {
                    issues: error.issues.into_iter().map(|it| named(it, &place)).collect(),
                    ..error
                }
            })?;
            terms.learn(term, codes);
        }
    }
}

fn is_unknown(error: &Error) -> bool {
    error.issues.iter().any(|issue| issue.code == IssueCode::NotSupported)
}

fn named(issue: canonical_model::Issue, place: &str) -> canonical_model::Issue {
    let diagnostics = format!("{place}: {}", issue.diagnostics);
    canonical_model::Issue { diagnostics, ..issue }.at(place)
}

async fn look_up(definitions: &mut Definitions<'_>, term: &Term) -> Result<Vec<Code>> {
    match term {
        Term::ValueSet(name) => {
            let codes = expand::value_set(definitions, name).await?;
            let code = |(system, code)| Code { system, code };
            Ok(codes.into_iter().map(code).collect())
        }
        Term::Below(code) => related(definitions, code, Concepts::below).await,
        Term::Above(code) => related(definitions, code, Concepts::above).await,
    }
}

async fn related(
    definitions: &mut Definitions<'_>,
    code: &Code,
    reach: for<'c> fn(&'c Concepts, &str, usize) -> Result<Vec<&'c str>>,
) -> Result<Vec<Code>> {
    let concepts = definitions.concepts(&code.system, None).await?;
    // One more than a value may mean tells that it means too many.
    let codes = reach(&concepts, &code.code, CONCEPTS_MAX + 1)?;
    let of = |found: &str| Code { system: code.system.clone(), code: found.to_owned() };
    Ok(codes.into_iter().map(of).collect())
}
