//! Search: an expression tree lowered to one statement.
//!
//! One conjunct drives: it finds candidates in an inverted index, in an order a page can follow.
//! Every candidate's head row is then checked against the whole tree, the caller's reach and the
//! walk's snapshot. The shape of the statement fixes the plan: nothing depends on statistics.

mod compare;
mod driver;
mod filter;
mod links;
mod order;
mod page;
mod source;

use access::Access;
use canonical_model::{Error, Result};
use search::Query;
use sqlx::{PgConnection, Postgres, QueryBuilder, Row};

pub use page::{PageKey, PageValue};

use crate::error::StoreError;
use crate::rows::{Stored, stored_named};
use crate::sealer::Sealer;
use crate::sessions;
use crate::{Store, Transaction};
use driver::Driver;
use filter::Lowering;
use order::Order;

/// One match.
#[derive(Clone, Debug)]
pub struct Found {
    /// The resource.
    pub resource: Stored,
}

/// One page of matches.
#[derive(Clone, Debug, Default)]
pub struct SearchPage {
    /// The matches in order.
    pub found: Vec<Found>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<PageKey>,
    /// How many match in all, if it was asked.
    pub total: Option<i64>,
}

impl Store {
    /// One page of a search.
    ///
    /// # Errors
    /// Invalid for a page key of another search; Unavailable or Internal.
    pub async fn search(
        &self,
        access: &Access,
        query: &Query,
        after: Option<&PageKey>,
    ) -> Result<SearchPage> {
        let mut session = self.sessions.take().await?;
        let lowering = Lowering { access, hasher: self.hasher(), depth: 0 };
        let outcome = run(&mut session, &self.sealer, lowering, query, after).await;
        match outcome {
            // The rest is unread, and ends with the session.
            Ok((page, true)) => Ok(page),
            outcome => session.settle(outcome.map(|(page, _)| page)),
        }
    }

    /// How many resources match.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn count(&self, access: &Access, query: &Query) -> Result<i64> {
        let lowering = Lowering { access, hasher: self.hasher(), depth: 0 };
        let mut sql = QueryBuilder::<Postgres>::new("select count(*) from ");
        let driver = Driver::choose(&query.filter, &[]);
        driver.push_from(&mut sql, lowering, query.kind, None);
        filter::push_where(&mut sql, lowering, query.kind, &query.filter);
        let row = self.sessions.fetch_optional(sql.build()).await?;
        let row = row.ok_or_else(|| Error::internal("a count without a row"))?;
        Ok(row.try_get(0).map_err(StoreError)?)
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
        run(self.connection(), &sealer, lowering, query, None).await.map(|(page, _)| page)
    }
}

/// One page; also whether its size cut it short, with rows unread.
async fn run(
    connection: &mut PgConnection,
    sealer: &Sealer,
    lowering: Lowering<'_>,
    query: &Query,
    after: Option<&PageKey>,
) -> Result<(SearchPage, bool)> {
    let driver = Driver::choose(&query.filter, &query.sort);
    let order = Order::choose(&driver, &query.sort);
    if let Some(key) = after {
        key.fits(&order)?;
    }
    let mut sql = statement(&driver, &order, lowering, query, after);
    let (rows, cut) = sessions::page(connection, sql.build()).await?;
    let more = cut || rows.len() > query.count;
    let rows = rows.get(..query.count.min(rows.len())).unwrap_or_default();
    let found = rows
        .iter()
        .map(|row| Ok(Found { resource: stored_named(row, sealer)? }))
        .collect::<Result<Vec<_>>>()?;
    let next = match rows.last() {
        Some(last) if more => Some(PageKey::of(last, &order, after)?),
        _ => None,
    };
    Ok((SearchPage { found, next, total: None }, cut))
}

const COLUMNS: &str = "r.type, r.id, r.version, r.last_updated, r.method, r.wire, r.rid";

/// One more row than the page holds tells whether there is a next page.
fn statement(
    driver: &Driver,
    order: &Order,
    lowering: Lowering<'_>,
    query: &Query,
    after: Option<&PageKey>,
) -> QueryBuilder<Postgres> {
    let limit = i64::try_from(query.count).unwrap_or(i64::MAX).saturating_add(1);
    let mut sql = QueryBuilder::<Postgres>::new("");
    if order.is_natural() {
        sql.push("select ").push(COLUMNS);
    } else {
        // Wide rows are fetched only for the page, after the sort.
        sql.push("with page as materialized (select r.rid");
    }
    order.push_values(&mut sql);
    sql.push(" from ");
    driver.push_from(
        &mut sql,
        lowering,
        query.kind,
        after.filter(|_| order.is_natural()).map(|key| (order, key)),
    );
    filter::push_where(&mut sql, lowering, query.kind, &query.filter);
    if let Some(key) = after {
        filter::push_snapshot(&mut sql, &key.snapshot);
    }
    if let Some(key) = after.filter(|_| !order.is_natural()) {
        order.push_after(&mut sql, key);
    }
    order.push_order(&mut sql);
    sql.push(" limit ").push_bind(limit);
    if !order.is_natural() {
        sql.push(") select ").push(COLUMNS);
        order.push_page_values(&mut sql);
        sql.push(" from page cross join lateral (select * from resource x where x.rid = page.rid offset 0) r");
        order.push_page_order(&mut sql);
    }
    sql
}
