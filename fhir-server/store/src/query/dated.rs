//! Sorted by a date: along its index, so that a page reads no more than it shows. What has no date is in no
//! index, and comes last: it is looked for only where a page is not full without it.

use search::Param;
use search::query::{Sort, SortBy};

use super::driver::Driver;
use super::filter::{Lowering, Sql};
use super::order::{Order, missing_date};
use super::page::{PageKey, PageValue};
use super::plan::{COLUMNS, Plan};

/// A part of a page.
enum Part {
    Dated,
    Undated,
}

/// The parts of a page in their order. Backward, what has no date comes first, if the page begins there.
fn parts(descending: bool, after: Option<&PageKey>) -> &'static [Part] {
    let missing = PageValue::Number(missing_date(descending));
    match after {
        Some(key) if key.backward && key.values.first() == Some(&missing) => {
            &[Part::Undated, Part::Dated]
        }
        Some(key) if key.backward => &[Part::Dated],
        _ => &[Part::Dated, Part::Undated],
    }
}

/// Whether a plan goes along the dates of a parameter: which, and how the search is sorted.
pub(super) fn of(plan: &Plan<'_>) -> Option<(Param, bool)> {
    match (&plan.lead.driver, plan.query.sort.as_slice()) {
        (Driver::Dates { param, .. }, [Sort { by: SortBy::Date { .. }, descending }]) => {
            Some((*param, *descending))
        }
        _ => None,
    }
}

/// The statement of such a plan, with room for one more row than the page holds.
pub(super) fn push(
    sql: &mut Sql,
    plan: &Plan<'_>,
    (param, descending): (Param, bool),
    lowering: Lowering<'_>,
    limit: i64,
    after: Option<&PageKey>,
) {
    let parts = parts(descending, after);
    let undated = plan.undated(after.is_some_and(|key| key.backward));
    for (n, part) in parts.iter().enumerate() {
        sql.push(if n > 0 { "), part" } else { "with part" });
        sql.push(format!("{n} as materialized (select r.rid"));
        let before = (n > 0).then_some(limit);
        match part {
            Part::Dated => plan.push(sql, lowering, limit, after, |sql| push_before(sql, before)),
            Part::Undated => undated.push(sql, lowering, limit, after, |sql| {
                sql.push(" and not (").push_bind(param.0).push(" = any (r.date_param))");
                push_before(sql, before);
            }),
        }
    }
    sql.push("), page as materialized (select * from part0");
    sql.push(if parts.len() > 1 { " union all select * from part1)" } else { ")" });
    sql.push(" select ").push(COLUMNS);
    push_page(sql, &undated.order, limit);
}

/// Only where the part before leaves room: known before any row is looked at.
fn push_before(sql: &mut Sql, limit: Option<i64>) {
    if let Some(limit) = limit {
        sql.push(" and (select count(*) from part0) < ").push_bind(limit);
    }
}

/// The heads of a page's rows, in its order.
pub(super) fn push_page(sql: &mut Sql, order: &Order, limit: i64) {
    order.push_page_values(sql);
    sql.push(" from page cross join lateral (select * from resource x where x.rid = page.rid offset 0) r");
    order.push_page_order(sql);
    sql.push(" limit ").push_bind(limit);
}
