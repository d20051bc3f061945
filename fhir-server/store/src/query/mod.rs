//! Search: an expression tree lowered to one statement.
//!
//! One conjunct drives: it finds candidates in an inverted index, in an order a page can follow.
//! Every candidate's head row is then checked against the whole tree, the caller's reach and the
//! walk's snapshot. The shape of the statement fixes the plan: nothing depends on statistics.

mod budget;
mod compare;
mod driver;
mod estimate;
mod explain;
mod filter;
mod include;
mod links;
mod order;
mod page;
mod source;

use access::Access;
use canonical_model::{Error, ResourceType, Result};
use search::Query;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query as Statement;
use sqlx::{PgConnection, Postgres, Row};

pub use explain::Explained;
pub use page::{PageKey, PageValue};

use crate::error::StoreError;
use crate::limits::PREPARED_BYTES_MAX;
use crate::rows::{Stored, stored_named};
use crate::sealer::Sealer;
use crate::sessions;
use crate::{Store, Transaction};
use driver::Driver;
use filter::{Lowering, Sql};
use order::Order;

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
        Ok(Self { resource: stored_named(row, sealer)?, rid })
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
        let _turn = self.turn_to_search().await?;
        let mut session = self.searching.take().await?;
        let lowering = Lowering { access, hasher: self.hasher(), depth: 0 };
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
        let lowering = Lowering { access, hasher: self.hasher(), depth: 0 };
        let mut sql = Sql::new("select (0");
        for query in queries {
            sql.push(" + (select count(*) from ");
            Driver::choose(&query.filter, &[]).push_from(&mut sql, lowering, query.kind, None);
            filter::push_where(&mut sql, lowering, query.kind, &query.filter);
            sql.push(")");
        }
        sql.push(")::bigint");
        let _turn = self.turn_to_search().await?;
        let row = self.searching.fetch_optional(prepared(&mut sql)).await.map_err(budget::told)?;
        let row = row.ok_or_else(|| Error::internal("a count without a row"))?;
        Ok(row.try_get(0).map_err(StoreError)?)
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

impl Transaction {
    /// The first matches as this transaction sees them.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn search(&mut self, access: &Access, query: &Query) -> Result<SearchPage> {
        let (sealer, hasher) = (self.sealer().clone(), self.hasher().clone());
        let lowering = Lowering { access, hasher: &hasher, depth: 0 };
        let queries = std::slice::from_ref(query);
        run(self.connection(), &sealer, lowering, queries, None).await.map(|(page, _)| page)
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
    let plans: Vec<Plan<'_>> = queries.iter().map(|query| Plan::of(query, backward)).collect();
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

/// Statements of a usual size stay prepared in their session; a large one is rarely asked twice, and what is
/// kept of it would be large too.
fn prepared(sql: &mut Sql) -> Statement<'_, Postgres, PgArguments> {
    let usual = sql.sql().as_str().len() <= PREPARED_BYTES_MAX;
    sql.build().persistent(usual)
}

const COLUMNS: &str = "r.type, r.id, r.version, r.last_updated, r.method, r.wire, r.rid";

/// How one query finds its matches, and in which order.
struct Plan<'a> {
    query: &'a Query,
    driver: Driver,
    order: Order,
}

impl<'a> Plan<'a> {
    fn of(query: &'a Query, backward: bool) -> Self {
        let driver = Driver::choose(&query.filter, &query.sort);
        let order = Order::choose(&driver, &query.sort);
        match backward {
            true => Self { query, driver: driver.reversed(), order: order.reversed() },
            false => Self { query, driver, order },
        }
    }

    /// `from … where … order by … limit`, behind a page's key.
    fn push(&self, sql: &mut Sql, lowering: Lowering<'_>, limit: i64, after: Option<&PageKey>) {
        let Self { query, driver, order } = self;
        order.push_values(sql);
        sql.push(" from ");
        let within = after.filter(|_| order.is_natural()).map(|key| (order, key));
        driver.push_from(sql, lowering, query.kind, within);
        filter::push_where(sql, lowering, query.kind, &query.filter);
        if let Some(key) = after {
            filter::push_snapshot(sql, &key.snapshot);
            if !order.is_natural() {
                order.push_after(sql, key);
            }
        }
        order.push_order(sql);
        sql.push(" limit ").push_bind(limit);
    }
}

/// One more row than the page holds tells whether there is another page.
fn statement(
    before: &str,
    plans: &[Plan<'_>],
    lowering: Lowering<'_>,
    count: usize,
    after: Option<&PageKey>,
) -> Sql {
    let limit = i64::try_from(count).unwrap_or(i64::MAX).saturating_add(1);
    let mut sql = Sql::new(before);
    if let [plan] = plans
        && plan.order.is_natural()
    {
        sql.push("select ").push(COLUMNS);
        plan.push(&mut sql, lowering, limit, after);
        return sql;
    }
    // Wide rows are fetched only for the page, after the sort.
    sql.push("with page as materialized (");
    for (n, plan) in plans.iter().enumerate() {
        sql.push(if n > 0 { " union all (select r.rid" } else { "(select r.rid" });
        plan.push(&mut sql, lowering, limit, after);
        sql.push(")");
    }
    sql.push(") select ").push(COLUMNS);
    if let Some(Plan { order, .. }) = plans.first() {
        order.push_page_values(&mut sql);
        sql.push(" from page cross join lateral (select * from resource x where x.rid = page.rid offset 0) r");
        order.push_page_order(&mut sql);
    }
    sql.push(" limit ").push_bind(limit);
    sql
}
