//! One query's plan: what drives it, and in which order. Plans as one statement.

use super::along;
use super::choose::{Asked, Lead};
use super::driver::Driver;
use super::filter::{Lowering, Sql, push_snapshot, push_where, unproven};
use super::order::Order;
use super::page::PageKey;
use search::Query;

/// What a page reads of a head, in the order that [`super::Found::of`] takes it in.
pub(super) const COLUMNS: &str =
    "r.type, r.id, r.version, r.last_updated, r.method, r.patients, r.wire, r.rid";

/// How one query finds its matches, and in which order.
pub(super) struct Plan<'a> {
    pub(super) query: &'a Query,
    pub(super) lead: Lead,
    pub(super) order: Order,
}

impl<'a> Plan<'a> {
    /// What must be known of a query to choose its driver.
    pub(super) fn asked(query: &'a Query, after: Option<&'a PageKey>) -> Asked<'a> {
        Asked { filter: &query.filter, sort: &query.sort, after, all: false, alone: false }
    }

    pub(super) fn of(query: &'a Query, lead: Lead, backward: bool) -> Self {
        let order = Order::choose(&lead.driver, &query.sort);
        match backward {
            true => Self { query, lead: lead.reversed(), order: order.reversed() },
            false => Self { query, lead, order },
        }
    }

    /// The same search in no order of its own, for what an index does not hold.
    pub(super) fn unordered(&self, backward: bool) -> Self {
        Self::of(self.query, Lead::by(Driver::by_rank(&self.query.filter)), backward)
    }

    /// `from … where … order by … limit`, behind a page's key; `also` adds to what must hold.
    pub(super) fn push(
        &self,
        sql: &mut Sql,
        lowering: Lowering<'_>,
        limit: i64,
        after: Option<&PageKey>,
        also: impl FnOnce(&mut Sql),
    ) {
        let Self { query, lead, order } = self;
        order.push_values(sql);
        sql.push(" from ");
        let within = after.filter(|_| order.is_natural()).map(|key| (order, key));
        lead.driver.push_from(sql, lowering, query.kind, within);
        push_tests(sql, lowering, query, lead);
        lead.driver.push_own_test(sql);
        also(sql);
        if let Some(key) = after {
            push_snapshot(sql, lowering, &key.snapshot);
            if !order.is_natural() {
                order.push_after(sql, key);
            }
        }
        order.push_order(sql);
        sql.push(" limit ").push_bind(limit);
    }
}

/// Pushes what must hold of the candidates: all that what led to them does not prove.
pub(super) fn push_tests(sql: &mut Sql, lowering: Lowering<'_>, query: &Query, lead: &Lead) {
    let rest = unproven(&query.filter, |part| lead.proves(part));
    push_where(sql, lowering, query.kind, &rest);
    if let Some(source) = &lead.gathered {
        sql.push(" and ");
        source.push_gathered(sql, lowering);
    }
}

/// One more row than the page holds tells whether there is another page.
pub(super) fn statement(
    before: &str,
    plans: &[Plan<'_>],
    lowering: Lowering<'_>,
    count: usize,
    after: Option<&PageKey>,
) -> Sql {
    let limit = i64::try_from(count).unwrap_or(i64::MAX).saturating_add(1);
    let mut sql = Sql::new(before);
    if let [plan] = plans
        && let Some(walk) = plan.lead.driver.along()
    {
        along::push(&mut sql, plan, walk, lowering, limit, after);
        return sql;
    }
    if let [plan] = plans
        && plan.order.is_natural()
    {
        sql.push("select ").push(COLUMNS);
        plan.push(&mut sql, lowering, limit, after, |_| ());
        return sql;
    }
    // Wide rows are fetched only for the page, after the sort.
    sql.push("with page as materialized (");
    for (n, plan) in plans.iter().enumerate() {
        sql.push(if n > 0 { " union all (select r.rid" } else { "(select r.rid" });
        plan.push(&mut sql, lowering, limit, after, |_| ());
        sql.push(")");
    }
    sql.push(") select ").push(COLUMNS);
    if let Some(Plan { order, .. }) = plans.first() {
        along::push_page(&mut sql, order, limit);
    }
    sql
}
