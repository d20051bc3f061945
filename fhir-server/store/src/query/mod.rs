//! Search: an expression tree lowered to one statement.
//!
//! One conjunct drives: it finds candidates in an inverted index, in an order a page can follow.
//! Every candidate's head row is then checked against the caller's reach, the walk's snapshot, and all of the tree
//! that the index has not decided. The shape of the statement fixes the plan: nothing depends on statistics.

mod along;
mod bounds;
mod budget;
mod choose;
mod compare;
mod consent;
mod driver;
mod estimate;
mod explain;
mod filter;
mod include;
mod lead_in_words;
mod links;
mod names;
mod order;
mod own;
mod page;
mod plan;
mod probe;
mod reach;
mod remembered;
mod source;
mod transact;
mod words;

use access::Access;
use canonical_model::{Error, ResourceType, Result};
use search::Query;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query as Statement;
use sqlx::{PgConnection, Postgres, Row};

pub(crate) use consent::{push_denials, push_denying};
pub use explain::Explained;
pub(crate) use filter::Sql;
pub use page::{PageKey, PageValue};
pub(crate) use reach::{bind, push as push_reach, with_room, within, written_within};
pub(crate) use remembered::Remembered;
pub use transact::SearchTime;

use crate::Store;
use crate::error::StoreError;
use crate::limits::PREPARED_BYTES_MAX;
use crate::rows::{Stored, stored_named_for};
use crate::sealer::Sealer;
use crate::sessions;
use choose::{Asked, leads};
use filter::Lowering;
use plan::{COLUMNS, Plan, push_tests, statement};

/// One match.
#[derive(Clone, Debug)]
pub struct Found {
    /// The resource.
    pub resource: Stored,
    /// Its number, for includes.
    pub rid: i64,
}

impl Found {
    pub(crate) fn of(row: &PgRow, sealer: &Sealer) -> Result<Self> {
        let rid = row.try_get("rid").map_err(StoreError)?;
        Ok(Self { resource: stored_named_for(row, sealer)?, rid })
    }
}

/// One page of matches.
#[derive(Clone, Debug, Default)]
pub struct SearchPage {
    /// The matches in order.
    pub found: Vec<Found>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<PageKey>,
    /// Where the previous page ends; `None` on the first.
    pub previous: Option<PageKey>,
    /// How many match in all, if it was asked.
    pub total: Option<i64>,
}

impl Store {
    /// One page of a search: of one type, or of several that are sorted alike and by something.
    ///
    /// # Errors
    /// Invalid for a page key of another search; Unavailable, also beyond the time budget, or Internal.
    pub async fn search(
        &self,
        access: &Access,
        queries: &[Query],
        after: Option<&PageKey>,
    ) -> Result<SearchPage> {
        let _turn = self.turn_to_search(access).await?;
        let mut session = self.searching.take().await?;
        let lowering = Lowering::of(self, access);
        let outcome = run(&mut session, &self.sealer, lowering, queries, after).await;
        match outcome {
            // The rest is unread, and ends with the session.
            Ok((page, true)) => Ok(page),
            outcome => session.settle(outcome.map(|(page, _)| page)).map_err(budget::told),
        }
    }

    /// How many resources match.
    ///
    /// # Errors
    /// Unavailable, also beyond the time budget, or Internal.
    pub async fn count(&self, access: &Access, queries: &[Query]) -> Result<i64> {
        let _turn = self.turn_to_search(access).await?;
        let mut session = self.searching.take().await?;
        let lowering = Lowering::of(self, access);
        let outcome = count(&mut session, lowering, queries).await;
        session.settle(outcome).map_err(budget::told)
    }

    /// The types that there are resources of, or were.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn types(&self) -> Result<Vec<ResourceType>> {
        let query = sqlx::query(include_str!("../../queries/types.sql"));
        let rows = self.sessions.fetch_all(query).await?;
        rows.iter()
            .map(|row| {
                let number: i16 = row.try_get("type").map_err(StoreError)?;
                ResourceType::from_number(number)
                    .ok_or_else(|| Error::internal("a stored resource has an unknown type"))
            })
            .collect()
    }
}

/// One page; also whether its size cut it short, with rows unread.
async fn run(
    connection: &mut PgConnection,
    sealer: &Sealer,
    lowering: Lowering<'_>,
    queries: &[Query],
    after: Option<&PageKey>,
) -> Result<(SearchPage, bool)> {
    let Some(count) = queries.first().map(|query| query.count) else {
        return Ok((SearchPage::default(), false));
    };
    let backward = after.is_some_and(|key| key.backward);
    let plans = plans(connection, lowering, queries, after).await?;
    let Some(Plan { order, .. }) = plans.first() else {
        return Err(Error::internal("a search without a plan"));
    };
    if let Some(key) = after {
        key.fits(order)?;
    }
    let mut sql = statement("", &plans, lowering, count, after);
    let (rows, cut) = sessions::page(connection, prepared(&mut sql)).await?;
    let more = cut || rows.len() > count;
    let mut rows: Vec<&PgRow> = rows.iter().take(count).collect();
    if backward {
        rows.reverse();
    }
    let found = rows.iter().map(|row| Found::of(row, sealer)).collect::<Result<Vec<_>>>()?;
    let key = |row: Option<&&PgRow>, there: bool, backward: bool| match row {
        Some(row) if there => PageKey::of(row, order, after, backward).map(Some),
        _ => Ok(None),
    };
    // Where the walk came from there was a page.
    let (next, previous) = if backward { (true, more) } else { (more, after.is_some()) };
    let next = key(rows.last(), next, false)?;
    let previous = key(rows.first(), previous, true)?;
    Ok((SearchPage { found, next, previous, total: None }, cut))
}

/// A plan for each query.
async fn plans<'a>(
    connection: &mut PgConnection,
    lowering: Lowering<'_>,
    queries: &'a [Query],
    after: Option<&'a PageKey>,
) -> Result<Vec<Plan<'a>>> {
    let backward = after.is_some_and(|key| key.backward);
    let alone = queries.len() == 1;
    let asked = |query| Asked { alone, ..Plan::asked(query, after) };
    let asked: Vec<_> = queries.iter().map(asked).collect();
    let leads = leads(connection, lowering, &asked).await?;
    let both = queries.iter().zip(leads);
    Ok(both.map(|(query, lead)| Plan::of(query, lead, backward)).collect())
}

async fn count(
    connection: &mut PgConnection,
    lowering: Lowering<'_>,
    queries: &[Query],
) -> Result<i64> {
    let all = |query| Asked { all: true, sort: &[], ..Plan::asked(query, None) };
    let asked: Vec<Asked<'_>> = queries.iter().map(all).collect();
    let leads = leads(connection, lowering, &asked).await?;
    let mut sql = Sql::new("select (0");
    for (query, lead) in queries.iter().zip(&leads) {
        sql.push(" + (select count(*) from ");
        lead.driver.push_from(&mut sql, lowering, query.kind, None);
        push_tests(&mut sql, lowering, query, lead);
        sql.push(")");
    }
    sql.push(")::bigint");
    let row = prepared(&mut sql).fetch_optional(connection).await.map_err(StoreError)?;
    let row = row.ok_or_else(|| Error::internal("a count without a row"))?;
    Ok(row.try_get(0).map_err(StoreError)?)
}

/// Statements of a usual size stay prepared in their session; a large one is rarely asked twice, and what is
/// kept of it would be large too.
pub(crate) fn prepared(sql: &mut Sql) -> Statement<'_, Postgres, PgArguments> {
    let usual = sql.sql().as_str().len() <= PREPARED_BYTES_MAX;
    sql.build().persistent(usual)
}
