//! Whether the index was whole while a search went through it.
//!
//! It is asked before and after: what ended in between may have been under way while the search looked.
//! See docs/adr/0008-search-parameters.md.

use std::collections::BTreeSet;

use canonical_model::{Error, IssueCode, Kind, ResourceType, Result};
use search::query::{SortBy, UsedCustom};
use search::{Expr, Query};
use store::{IndexState, Lack, Mark};

use crate::Domain;
use crate::left_out;
use crate::parameters::catch_up;

/// What the index was before a search.
#[derive(Debug)]
#[must_use = "the index is to be asked after the search too"]
pub(crate) struct Watch {
    mark: Mark,
    /// Asked of the database where a search parameter of one's own is used.
    state: Option<IndexState>,
}

/// What a search may not have found.
#[derive(Debug, Default)]
pub(crate) struct Missing {
    /// Of all search parameters alike, as this server last knew.
    pub(crate) lack: Option<Lack>,
    /// A sentence for each search parameter of one's own that is not indexed yet.
    pub(crate) said: Vec<String>,
    /// A sentence for each that leaves resources out, and for each type with some that could not be indexed.
    pub(crate) left_out: Vec<String>,
}

impl Watch {
    /// Begins, before the search.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub(crate) async fn begin(domain: &Domain, queries: &[Query]) -> Result<Self> {
        let mark = domain.store().index_mark();
        let used = queries.iter().any(|query| !query.customs.is_empty());
        let state = if used { Some(state(domain, queries).await?) } else { None };
        Ok(Self { mark, state })
    }

    /// Ends, after the search.
    ///
    /// # Errors
    /// Unavailable where the parameters are others by now: the search is to be made again.
    pub(crate) async fn end(self, domain: &Domain, queries: &[Query]) -> Result<Missing> {
        let (mut said, mut left_out) = (Vec::new(), Vec::new());
        let mut after = None;
        if let Some(before) = &self.state {
            let after = after.insert(state(domain, queries).await?);
            for one in used(queries) {
                if !after.params.contains(&one.digest) {
                    // Nobody waits for it: the client is told to come again.
                    catch_up(domain).await;
                    let text = "The search parameters have just changed. Send the search again.";
                    return Err(Error::new(Kind::Unavailable, text));
                }
                let lack = IndexState::lack_between(before, after, one.digest);
                said.extend(lack.map(|lack| sentence(&one.name, lack)));
                if before.has(one.left_out) || after.has(one.left_out) {
                    left_out.push(left_out::sentence(&one.name));
                }
            }
        }
        let now = domain.store().index_mark();
        let unindexed = resting_on(queries).into_iter().filter(|kind| {
            let key = domain.store().hasher().unindexed(*kind);
            let asked = [&self.state, &after].into_iter().flatten().any(|state| state.has(key));
            asked || self.mark.has_unindexed(*kind) || now.has_unindexed(*kind)
        });
        left_out.extend(unindexed.map(left_out::unindexed));
        let lack = Mark::lack_between(&self.mark, &now);
        Ok(Missing { lack, said, left_out })
    }

    /// Ends, after a search for what a write depends on: refuses to go by it where what was not found may
    /// be there.
    ///
    /// # Errors
    /// Unavailable; Unprocessable where a search parameter leaves resources out.
    pub(crate) async fn whole(self, domain: &Domain, query: &Query) -> Result<()> {
        let Missing { lack, said, left_out } =
            self.end(domain, std::slice::from_ref(query)).await?;
        let lack = lack.filter(|_| needs_index(&query.filter));
        match (lack, said.first(), left_out.first()) {
            (Some(Lack::Building(percent)), _, _) => {
                Err(unfinished(&format!("{percent} % of the resources are done")))
            }
            (Some(Lack::Foreign), _, _) => Err(unfinished(FOREIGN)),
            (None, Some(said), _) => Err(unfinished(said)),
            (None, None, Some(said)) => Err(left_out::refusal(said)),
            (None, None, None) => Ok(()),
        }
    }
}

/// The search parameters of one's own that are used.
fn used(queries: &[Query]) -> Vec<&UsedCustom> {
    let mut used: Vec<_> = queries.iter().flat_map(|query| &query.customs).collect();
    used.dedup();
    used
}

/// The types whose index is gone by, to find, to sort or to include.
fn resting_on(queries: &[Query]) -> BTreeSet<ResourceType> {
    let mut kinds = Vec::new();
    for query in queries {
        let sorted = |by: &SortBy| !matches!(by, SortBy::Id | SortBy::Updated);
        if needs_index(&query.filter) || query.sort.iter().any(|sort| sorted(&sort.by)) {
            kinds.push(query.kind);
        }
        query.filter.types(&mut kinds);
        kinds.extend(query.includes.iter().map(|include| include.source));
    }
    kinds.into_iter().collect()
}

async fn state(domain: &Domain, queries: &[Query]) -> Result<IndexState> {
    let unindexed = |kind| domain.store().hasher().unindexed(kind);
    let keys = used(queries).into_iter().map(|one| one.left_out);
    let keys: Vec<_> = keys.chain(resting_on(queries).into_iter().map(unindexed)).collect();
    let state = domain.store().index_now(&keys).await?;
    state.ok_or_else(|| Error::internal("a search parameter without a place for it"))
}

const FOREIGN: &str = "It is made for another release of the servers, or for other sealed elements, than this server's";

fn sentence(name: &str, lack: Lack) -> String {
    match lack {
        Lack::Building(percent) => format!(
            "The index of {name} is being built and {percent} % of the resources are done: until then \
             this search may not find all."
        ),
        Lack::Foreign => format!("This search may not find all by {name}. Its index: {FOREIGN}."),
    }
}

/// The same of the whole index, for the answer to a search.
#[must_use]
pub fn said_of_all(lack: Lack) -> String {
    match lack {
        Lack::Building(percent) => format!(
            "The index is being built anew and {percent} % of the resources are done: until then this \
             search may not find all."
        ),
        Lack::Foreign => format!("This search may not find all by the index. {FOREIGN}."),
    }
}

fn unfinished(said: &str) -> Error {
    let text = format!(
        "What the criteria need is still being indexed, so that they could miss what is there. Try again \
         later. ({said})"
    );
    Error::new(Kind::Unavailable, text).code(IssueCode::Incomplete)
}

/// Whether more is needed than the head's own columns.
fn needs_index(filter: &Expr) -> bool {
    match filter {
        Expr::And(parts) | Expr::Or(parts) => parts.iter().any(needs_index),
        Expr::Not(inner) => needs_index(inner),
        Expr::Identity(_) | Expr::Updated(_) => false,
        _ => true,
    }
}
