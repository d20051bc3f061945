//! The door to terminology: the codes that a search means by `:in`, `:not-in`, `:above` and `:below`.
//!
//! They come from the CodeSystems and ValueSets that are stored, as far as the caller may search those,
//! and from the package of FHIR itself, that anybody may read. What cannot be told is refused: a search
//! is never answered wider or narrower than it was asked.

mod budget;
mod definitions;

use ::terminology::{CodeSystem, Place, members};
use canonical_model::{Error, IssueCode, Result};
use search::limits::CONCEPTS_MAX;
use search::query::Handling;
use search::{Code, QueryContext, Term, Terms};

use crate::limits::EXPANSION_CODES_MAX;
use crate::parameters::look;
use crate::{Domain, Request};
pub(crate) use budget::too_costly;
pub(crate) use definitions::{Definitions, Versions, escaped, shown, split};

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
        Term::ValueSet(name) => value_set(definitions, name).await,
        Term::Below(code) => related(definitions, code, CodeSystem::below).await,
        Term::Above(code) => related(definitions, code, CodeSystem::above).await,
    }
}

async fn value_set(definitions: &mut Definitions<'_>, name: &str) -> Result<Vec<Code>> {
    let set = definitions.value_set(name).await?;
    definitions.gather(&set, false).await?;
    let loaded = definitions.loaded().clone();
    // Up to a second of work, which no other request waits for.
    let members = tokio::task::spawn_blocking(move || members(&loaded, &set));
    let members = members.await.map_err(Error::internal)??;
    if members.len() > EXPANSION_CODES_MAX {
        return Err(too_costly(
            "these are more codes than a search may mean; use a narrower value set",
        ));
    }
    let code = |member| {
        Some(Code {
            system: members.system(member)?.to_owned(),
            code: members.code(member).to_owned(),
        })
    };
    Ok(members.order.iter().copied().filter_map(code).collect())
}

async fn related(
    definitions: &mut Definitions<'_>,
    code: &Code,
    reach: fn(&CodeSystem, Place, usize) -> Vec<Place>,
) -> Result<Vec<Code>> {
    let system = definitions.code_system(&code.system, None).await?;
    system.expect_complete()?;
    system.expect_subsumption()?;
    let place = system.expect(&code.code)?;
    // One more than a value may mean tells that it means too many.
    let places = reach(&system, place, CONCEPTS_MAX + 1);
    let of = |place| Code { system: code.system.clone(), code: system.code(place).to_owned() };
    Ok(places.into_iter().map(of).collect())
}
