//! Sets of candidates as SQL: a select of the index that holds each.

use search::expr::{Link, NumberTest, Prefix, RangeTest, TextTest};
use search::fold::string_key;
use search::limits::STRING_KEY_BYTES_MAX;
use search::{Key, Param};

use super::Source;
use crate::query::bounds::Bounds;
use crate::query::compare::{push_number, push_range};
use crate::query::filter::{Lowering, Sql, push_where, unproven};
use crate::query::links::push_list;
use crate::query::own::{band, push_among};

impl Source {
    /// Pushes a test of a head: it refers to one of the resources at the other end, which are found once
    /// and kept hashed. Only for chains.
    pub(in crate::query) fn push_gathered(&self, sql: &mut Sql, lowering: Lowering<'_>) {
        match self {
            Self::Chain(link, inner) => {
                sql.push(format!(
                    "exists (select from unnest({}.keys) k (key) where (k.key in (",
                    lowering.head()
                ));
                push_referrable(sql, lowering, link, inner);
                // So written it stays a set of its own: as a join it would be found anew for each head.
                sql.push(")) is true)");
            }
            Self::Union(parts) => {
                sql.push("(false");
                for part in parts {
                    sql.push(" or ");
                    part.push_gathered(sql, lowering);
                }
                sql.push(")");
            }
            _ => {
                sql.push("true");
            }
        }
    }

    /// Pushes a select of `rid`, each perhaps several times.
    pub(in crate::query) fn push(&self, sql: &mut Sql, lowering: Lowering<'_>) {
        match self {
            Self::Identity(ids) => {
                sql.push("select x.rid from resource x where x.id_hash = any(")
                    .push_bind(ids.clone())
                    .push(")");
            }
            Self::Timeline { patient, key } => {
                sql.push("select t.rid from timeline_index t where t.patient = ")
                    .push_bind(*patient)
                    .push(" and t.key = ")
                    .push_bind(*key);
            }
            Self::Keys { plain, timed } => push_keys(sql, plain, timed),
            Self::Text(params, test) => push_text(sql, params, test),
            Self::Date(param, tests) => push_dates(sql, *param, tests),
            Self::Number(params, test) => push_numbers(sql, params, test),
            Self::Band(circle) => {
                let (south, north) = band(circle);
                push_index(sql, "number_index", &[circle.latitude_param]);
                sql.push(" and v.lo >= ").push_bind(south).push(" and v.lo <= ").push_bind(north);
            }
            Self::Chain(link, inner) => {
                push_linked(sql, lowering, link, inner, |sql, r| {
                    sql.push(format!(
                        "(select t.rid from token_index t where t.key = {r}.id_hash # "
                    ))
                    .push_bind(link.param.0)
                    .push(" offset 0)");
                });
            }
            Self::Has(link, inner) => {
                push_linked(sql, lowering, link, inner, |sql, r| {
                    sql.push(format!("(select x.rid from unnest({r}.keys) k (key) cross join lateral (select x.rid from resource x where x.id_hash = k.key # "))
                        .push_bind(link.param.0)
                        .push(" offset 0) x)");
                });
            }
            Self::Listed { list, item } => {
                sql.push("select x.rid from resource l cross join lateral unnest(l.keys) k (key) cross join lateral (select x.rid from resource x where x.id_hash = k.key # ")
                    .push_bind(item.0)
                    .push(" offset 0) x");
                push_list(sql, lowering, *list);
            }
            Self::Union(parts) => {
                for (n, part) in parts.iter().enumerate() {
                    sql.push(if n > 0 { " union all (" } else { "(" });
                    part.push(sql, lowering);
                    sql.push(")");
                }
            }
        }
    }
}

/// The other end's candidates, checked, as the keys that refer to them.
fn push_referrable(sql: &mut Sql, lowering: Lowering<'_>, link: &Link, inner: &Source) {
    let deeper = lowering.deeper();
    let (r, d) = (deeper.head(), deeper.candidate());
    sql.push(format!("select {r}.id_hash # ")).push_bind(link.param.0);
    sql.push(" from (select distinct u.rid from (");
    inner.push(sql, deeper);
    sql.push(format!(") u (rid) offset 0) {d} cross join lateral (select * from resource x where x.rid = {d}.rid offset 0) {r}"));
    push_where(sql, deeper, link.kind, &unproven(&link.filter, |part| inner.proves(part)));
}

/// The other end's candidates, checked, and from each what lies at this end, as `t`.
fn push_linked(
    sql: &mut Sql,
    lowering: Lowering<'_>,
    link: &Link,
    inner: &Source,
    across: impl FnOnce(&mut Sql, &str),
) {
    let deeper = lowering.deeper();
    let (r, d) = (deeper.head(), deeper.candidate());
    sql.push("select t.rid from (select distinct u.rid from (");
    inner.push(sql, deeper);
    sql.push(format!(") u (rid) offset 0) {d} cross join lateral (select * from resource x where x.rid = {d}.rid offset 0) {r} cross join lateral "));
    across(sql, &r);
    sql.push(" t");
    push_where(sql, deeper, link.kind, &unproven(&link.filter, |part| inner.proves(part)));
}

fn push_keys(sql: &mut Sql, plain: &[Key], timed: &[Key]) {
    for (n, (table, keys)) in [("token_index", plain), ("timeline_index", timed)]
        .into_iter()
        .filter(|(_, keys)| !keys.is_empty())
        .enumerate()
    {
        sql.push(if n > 0 { " union all " } else { "" });
        sql.push(format!("select t.rid from {table} t where "));
        push_among(sql, "t.key", keys);
    }
}

fn push_index(sql: &mut Sql, table: &str, params: &[Param]) {
    let params: Vec<i64> = params.iter().map(|param| param.0).collect();
    sql.push(format!("select v.rid from {table} v where "));
    push_among(sql, "v.param", &params);
}

fn push_text(sql: &mut Sql, params: &[Param], test: &TextTest) {
    push_index(sql, "string_index", params);
    match test {
        TextTest::Prefix(prefix) => {
            let prefix = string_key(prefix);
            sql.push(" and v.value >= ").push_bind(prefix.to_owned());
            sql.push(" and v.value < ").push_bind(TextTest::prefix_end(prefix));
        }
        TextTest::Equals(whole) => {
            sql.push(" and v.value = ").push_bind(string_key(whole).to_owned());
        }
        TextTest::Contains(part) => {
            // A long string holds more than the index says.
            sql.push(" and (strpos(v.value, ").push_bind(part.clone());
            sql.push(format!(") > 0 or octet_length(v.value) > {})", STRING_KEY_BYTES_MAX - 4));
        }
    }
}

/// A day in microseconds. Longer dates have an index of their own, by their end.
const SHORT: i64 = 86_400_000_000;

/// Dates within bounds that every passing one keeps, and of these the ones that pass. A date that ends behind a
/// moment is short and begins less than a day before it, or it is long.
fn push_dates(sql: &mut Sql, param: Param, tests: &[RangeTest<i64>]) {
    let bounds = Bounds::of(tests);
    let select = |sql: &mut Sql| {
        push_index(sql, "date_index", &[param]);
        if let Some(from) = bounds.begins_from {
            sql.push(" and v.lo >= ").push_bind(from);
        }
        if let Some(before) = bounds.begins_before {
            sql.push(" and v.lo < ").push_bind(before);
        }
        for test in tests {
            sql.push(" and ");
            push_range(sql, test.prefix, test.lo, test.hi);
        }
    };
    select(sql);
    if let Some(after) = bounds.ends_after {
        sql.push(" and v.lo > ").push_bind(after.saturating_sub(SHORT));
        sql.push(" union all ");
        select(sql);
        sql.push(" and v.hi > ").push_bind(after);
        sql.push(format!(" and v.hi > v.lo + {SHORT}"));
    }
}

/// A plain number is found by its beginning; stretches have an index of their own, by their end. Of what lies within
/// their bounds only what passes is taken.
fn push_numbers(sql: &mut Sql, params: &[Param], test: &NumberTest) {
    let select = |sql: &mut Sql| {
        push_index(sql, "number_index", params);
        sql.push(" and ");
        push_number(sql, test);
    };
    select(sql);
    let stretches = match test.prefix {
        Prefix::Eq | Prefix::Ap => {
            sql.push(" and v.lo >= ").push_bind(test.lo).push(" and v.lo <= ").push_bind(test.hi);
            (test.prefix == Prefix::Ap).then_some((test.lo, Some(test.hi)))
        }
        Prefix::Lt | Prefix::Le | Prefix::Eb => {
            sql.push(" and v.lo <= ").push_bind(test.at);
            None
        }
        Prefix::Sa => {
            sql.push(" and v.lo > ").push_bind(test.at);
            None
        }
        Prefix::Gt | Prefix::Ge => {
            sql.push(" and v.lo >= ").push_bind(test.at);
            Some((test.at, None))
        }
        Prefix::Ne => None,
    };
    if let Some((after, before)) = stretches {
        sql.push(" union all ");
        select(sql);
        sql.push(" and v.hi > v.lo and v.hi >= ").push_bind(after);
        if let Some(before) = before {
            sql.push(" and v.lo < ").push_bind(before);
        }
    }
}
