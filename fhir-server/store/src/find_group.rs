//! What a conditional request looks for: the one resource that an identifier names. Those that come
//! together share a round trip.

use std::sync::Arc;

use access::Access;
use canonical_model::{Error, Result};
use search::Query;
use search::expr::{Breadth, Expr, KeyTest};
use sqlx::Row;

use crate::Store;
use crate::error::StoreError;
use crate::gather::{Answers, Gathered};
use crate::limits::{GLANCE_MAX, READ_GROUP_BYTES_MAX};
use crate::query::Found;
use crate::reach::Reach;
use crate::sealer::Sealer;
use crate::sessions::Sessions;

/// A key, its resource type, and the system of its code.
pub(crate) struct Sought {
    key: i64,
    kind: i16,
    facet: Option<i32>,
    half: Option<i32>,
}

impl Sought {
    /// Where the query is one test of a key that tends to be unique, and needs no filter of its own.
    fn of(store: &Store, access: &Access, query: &Query) -> Option<Self> {
        let KeyTest { lookup: key, facet, half, .. } = *sole_key(query)?;
        let reach = Reach::of(access, query.kind, store.hasher());
        let kind = query.kind.number();
        matches!(reach, Reach::Everything).then_some(Self { key, kind, facet, half })
    }
}

/// The key, where a query has no other criterion and few resources share it.
fn sole_key(query: &Query) -> Option<&KeyTest> {
    let Expr::And(criteria) = &query.filter else { return None };
    match criteria.as_slice() {
        [Expr::Key(test)] if !test.timed && test.breadth == Breadth::Unique => Some(test),
        _ => None,
    }
}

#[derive(Clone)]
pub(crate) struct Finder {
    pub(crate) sessions: Sessions,
    pub(crate) sealer: Arc<Sealer>,
}

impl Gathered for Finder {
    type Asked = Sought;
    /// `None` where a glance does not tell.
    type Answer = Option<Vec<Found>>;

    async fn fetch(&self, group: &[Sought]) -> Result<Answers<Self>> {
        let query = sqlx::query(include_str!("../queries/find_group.sql"))
            .bind(group.iter().map(|sought| sought.key).collect::<Vec<_>>())
            .bind(group.iter().map(|sought| sought.kind).collect::<Vec<_>>())
            .bind(group.iter().map(|sought| sought.facet).collect::<Vec<_>>())
            .bind(group.iter().map(|sought| sought.half).collect::<Vec<_>>())
            .bind(GLANCE_MAX)
            .bind(READ_GROUP_BYTES_MAX);
        let rows = self.sessions.fetch_all(query).await?;
        let mut answers: Answers<Self> = group.iter().map(|_| Ok(Some(Vec::new()))).collect();
        for row in &rows {
            let ord: i64 = row.try_get("ord").map_err(StoreError)?;
            let at = usize::try_from(ord - 1).map_err(Error::internal)?;
            let crowded: bool = row.try_get("crowded").map_err(StoreError)?;
            let large: Option<bool> = row.try_get("large").map_err(StoreError)?;
            match answers.get_mut(at) {
                Some(answer) if crowded || large == Some(true) => *answer = Ok(None),
                Some(answer) => match (Found::of(row, &self.sealer), answer) {
                    (Ok(one), Ok(Some(found))) => found.push(one),
                    (Err(error), answer) => *answer = Err(error),
                    _ => {}
                },
                None => {}
            }
        }
        Ok(answers)
    }
}

impl Store {
    /// The matches of a conditional request's criteria, two at most: two are too many.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn find(&self, access: &Access, query: &Query) -> Result<Vec<Found>> {
        if let Some(sought) = Sought::of(self, access, query)
            && let Some(found) = self.finds.ask(sought).await?
        {
            return Ok(found);
        }
        let query = Query { count: 2, ..query.clone() };
        Ok(self.search(access, std::slice::from_ref(&query), None).await?.found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use canonical_model::ResourceType;
    use search::query::{Handling, parse, parse_pairs};
    use search::{Catalogue, Hasher, QueryContext};

    #[test]
    fn identifiers_alone_are_looked_up_in_groups() {
        let (catalogue, terms) = (Catalogue::new(Hasher::new(&[3; 16])), search::Terms::default());
        for (query, expected) in [
            ("identifier=urn:x|1", true),
            ("identifier=1", true),
            ("identifier=urn:x|1&active=true", false),
            ("identifier=urn:x|1,urn:x|2", false),
            ("identifier:not=urn:x|1", false),
            ("family=a", false),
            ("gender=male", false),
            ("general-practitioner=Practitioner/1", false),
        ] {
            let context =
                QueryContext::new(&catalogue, "http://x.example", Handling::Strict, &terms);
            let query_read =
                parse(context, ResourceType::PATIENT, &parse_pairs(query).unwrap()).unwrap();
            assert_eq!(sole_key(&query_read).is_some(), expected, "{query}");
        }
    }
}
