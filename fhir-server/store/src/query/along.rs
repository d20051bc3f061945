//! Sorted by a date or a text: along its index, so that a page reads no more than it shows. What has no value
//! is in no index, and comes last: it is looked for only where a page is not full without it.

use search::Param;
use search::limits::STRING_KEY_BYTES_MAX;

use super::driver::{Driver, direction, push_key};
use super::filter::{Lowering, Sql};
use super::order::{FieldKind, Order, last};
use super::page::PageKey;
use super::plan::{COLUMNS, Plan};

/// An index in the order of its values.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Values {
    /// Dates by their beginning, between these.
    Dates {
        param: Param,
        from: Option<i64>,
        /// Exclusive.
        until: Option<i64>,
    },
    /// Texts under any of these.
    Texts(Vec<Param>),
}

/// A walk along values, which meets a resource at its highest or its lowest.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Along {
    pub(super) values: Values,
    pub(super) highest: bool,
    pub(super) descending: bool,
}

impl Along {
    pub(super) fn kind(&self) -> FieldKind {
        match self.values {
            Values::Dates { .. } => FieldKind::Number,
            Values::Texts(_) => FieldKind::Text,
        }
    }

    /// Pushes candidates, `at` and `rid`, in the order of their values.
    pub(super) fn push(&self, sql: &mut Sql, after: Option<(&Order, &PageKey)>) {
        let descending = self.descending;
        sql.push("select distinct u.at, u.rid from (");
        match &self.values {
            Values::Dates { param, from, until } => {
                sql.push("select t.lo as at, t.rid from date_index t where t.param = ");
                sql.push_bind(param.0);
                for (bound, than) in [(from, ">="), (until, "<")] {
                    if let Some(micros) = bound {
                        sql.push(format!(" and t.lo {than} ")).push_bind(*micros);
                    }
                }
                push_key(sql, " and", "(t.lo, t.rid)", descending, after);
            }
            Values::Texts(params) => {
                for (n, param) in params.iter().enumerate() {
                    sql.push(if n > 0 { " union all " } else { "" });
                    sql.push("select t.value as at, t.rid from string_index t where t.param = ");
                    sql.push_bind(param.0);
                    push_key(sql, " and", "(t.value, t.rid)", descending, after);
                }
            }
        }
        let way = direction(descending);
        sql.push(format!(") u order by u.at {way}, u.rid {way}"));
    }

    /// Pushes what must hold of a candidate: of several values one counts.
    pub(super) fn push_own_test(&self, sql: &mut Sql) {
        sql.push(" and d.at = ");
        self.values.push_value(sql, self.highest);
    }

    /// Pushes the test that a resource has no value.
    fn push_absent(&self, sql: &mut Sql) {
        match &self.values {
            Values::Dates { param, .. } => {
                sql.push(" and not (").push_bind(param.0).push(" = any (r.date_param))");
            }
            Values::Texts(params) => {
                sql.push(" and not (").push_bind(numbers(params)).push(" && r.string_param)");
            }
        }
    }
}

fn numbers(params: &[Param]) -> Vec<i64> {
    params.iter().map(|param| param.0).collect()
}

impl Values {
    /// Pushes the highest or the lowest value of a head, as it stands in the index; null where there is none.
    /// The values of a parameter stand in their order in the head's arrays, so that the first and the last
    /// are found without looking at the others: there may be thousands, and as many index entries.
    pub(super) fn push_value(&self, sql: &mut Sql, highest: bool) {
        match self {
            Self::Dates { param, .. } => push_end(sql, "date_lo", "date_param", *param, highest),
            Self::Texts(params) => {
                sql.push(KEY_OF);
                sql.push(if highest { "greatest(" } else { "least(" });
                for (n, param) in params.iter().enumerate() {
                    sql.push(if n > 0 { ", " } else { "" });
                    push_end(sql, "string_value", "string_param", *param, highest);
                }
                sql.push(") offset 0) v (value))");
            }
        }
    }
}

/// The index holds the beginning of a long text: [`STRING_KEY_BYTES_MAX`] bytes at most, cut before a
/// character that would not end within. The bytes within a character begin with the bits 10.
const KEY_OF: &str = "(select case when octet_length(v.value) <= 256 then v.value else (select convert_from(substring(b.bytes from 1 for case when get_byte(b.bytes, 256) & 192 <> 128 then 256 when get_byte(b.bytes, 255) & 192 <> 128 then 255 when get_byte(b.bytes, 254) & 192 <> 128 then 254 else 253 end), 'UTF8') from (select convert_to(v.value, 'UTF8') offset 0) b (bytes)) end from (select ";

const _: () = assert!(STRING_KEY_BYTES_MAX == 256, "as the statement has it");

/// The first or the last of a parameter's values in a head's arrays.
fn push_end(sql: &mut Sql, values: &str, params: &str, param: Param, highest: bool) {
    sql.push(format!("r.{values}["));
    if highest {
        sql.push(format!(
            "(select p.at[cardinality(p.at)] from (select array_positions(r.{params}, "
        ))
        .push_bind(param.0)
        .push(") offset 0) p (at))]");
    } else {
        sql.push(format!("array_position(r.{params}, ")).push_bind(param.0).push(")]");
    }
}

/// A part of a page.
enum Part {
    Valued,
    Absent,
}

/// The parts of a page in their order. Backward, what has no value comes first, if the page begins there.
fn parts(along: &Along, after: Option<&PageKey>) -> &'static [Part] {
    match after {
        Some(key) if key.backward => {
            // The walk goes back, so what is absent sorts as for the other direction.
            let absent = last(along.kind(), !along.descending);
            match key.values.first() == Some(&absent) {
                true => &[Part::Absent, Part::Valued],
                false => &[Part::Valued],
            }
        }
        _ => &[Part::Valued, Part::Absent],
    }
}

/// Pushes the statement of such a plan, with room for one more row than the page holds.
pub(super) fn push(
    sql: &mut Sql,
    plan: &Plan<'_>,
    along: &Along,
    lowering: Lowering<'_>,
    limit: i64,
    after: Option<&PageKey>,
) {
    let parts = parts(along, after);
    let rest = plan.unordered(after.is_some_and(|key| key.backward));
    for (n, part) in parts.iter().enumerate() {
        sql.push(if n > 0 { "), part" } else { "with part" });
        sql.push(format!("{n} as materialized (select r.rid"));
        let before = (n > 0).then_some(limit);
        match part {
            Part::Valued => plan.push(sql, lowering, limit, after, |sql| push_before(sql, before)),
            Part::Absent => rest.push(sql, lowering, limit, after, |sql| {
                along.push_absent(sql);
                push_before(sql, before);
            }),
        }
    }
    sql.push("), page as materialized (select * from part0");
    sql.push(if parts.len() > 1 { " union all select * from part1)" } else { ")" });
    sql.push(" select ").push(COLUMNS);
    push_page(sql, &rest.order, limit);
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

impl Driver {
    /// What it walks along, if it walks along values.
    pub(super) fn along(&self) -> Option<&Along> {
        match self {
            Self::Along(along) => Some(along),
            _ => None,
        }
    }
}
