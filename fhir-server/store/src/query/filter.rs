//! The exact test on a candidate's head row: reach, snapshot, and the whole expression tree.

use chrono::{DateTime, Utc};
use search::Query;
use search::expr::{Expr, Prefix, RangeTest, TextTest};
use sqlx::{Postgres, QueryBuilder};

type Sql = QueryBuilder<Postgres>;

/// Pushes the where clause over `r`. The reach is part of it: before LIMIT and count.
pub(super) fn push_where(
    sql: &mut Sql,
    query: &Query,
    owners: Option<Vec<i64>>,
    snapshot: Option<&str>,
) {
    sql.push(" where r.method <> 2 and r.type = ").push_bind(query.kind.number());
    if let Some(owners) = owners {
        sql.push(" and r.patients && ").push_bind(owners);
    }
    if let Some(snapshot) = snapshot {
        sql.push(" and pg_visible_in_snapshot(r.xid, ")
            .push_bind(snapshot.to_owned())
            .push("::pg_snapshot)");
    }
    if query.filter != Expr::And(Vec::new()) {
        sql.push(" and ");
        push(sql, &query.filter);
    }
}

fn push(sql: &mut Sql, expr: &Expr) {
    match expr {
        Expr::And(parts) => push_all(sql, parts, " and ", "true"),
        Expr::Or(parts) => push_all(sql, parts, " or ", "false"),
        Expr::Not(inner) => {
            sql.push("not ");
            push(sql, inner);
        }
        Expr::Key(test) => {
            sql.push("(").push_bind(test.lookup).push(" = any (r.keys)");
            if let Some(facet) = test.facet {
                sql.push(" and ").push_bind(facet).push(" = any (r.facets)");
            }
            sql.push(")");
        }
        Expr::Facet(facet) => {
            sql.push("(").push_bind(*facet).push(" = any (r.facets))");
        }
        Expr::Text(params, test) => {
            let params: Vec<i64> = params.iter().map(|param| param.0).collect();
            sql.push("exists (select from unnest(r.string_param, r.string_value) v (param, value) where v.param = any(")
                .push_bind(params)
                .push(")");
            push_text(sql, test);
            sql.push(")");
        }
        Expr::Date(param, test) => {
            sql.push("exists (select from unnest(r.date_param, r.date_lo, r.date_hi) v (param, lo, hi) where v.param = ")
                .push_bind(param.0)
                .push(" and ");
            push_range(sql, test.prefix, test.lo, test.hi);
            sql.push(")");
        }
        Expr::Number(param, test) => {
            sql.push("exists (select from unnest(r.number_param, r.number_lo, r.number_hi) v (param, lo, hi) where v.param = ")
                .push_bind(param.0)
                .push(" and ");
            push_range(sql, test.prefix, test.lo, test.hi);
            sql.push(")");
        }
        Expr::Updated(test) => push_updated(sql, *test),
        Expr::Identity(ids) => {
            sql.push("(r.id_hash = any (").push_bind(ids.clone()).push("))");
        }
    }
}

fn push_all(sql: &mut Sql, parts: &[Expr], between: &str, empty: &str) {
    sql.push("(");
    for (n, part) in parts.iter().enumerate() {
        if n > 0 {
            sql.push(between);
        }
        push(sql, part);
    }
    if parts.is_empty() {
        sql.push(empty);
    }
    sql.push(")");
}

fn push_text(sql: &mut Sql, test: &TextTest) {
    match test {
        TextTest::Prefix(prefix) => {
            sql.push(" and v.value >= ").push_bind(prefix.clone());
            sql.push(" and v.value < ").push_bind(TextTest::prefix_end(prefix));
        }
        TextTest::Contains(part) => {
            sql.push(" and strpos(v.value, ").push_bind(part.clone()).push(") > 0");
        }
        TextTest::Equals(whole) => {
            sql.push(" and v.value = ").push_bind(whole.clone());
        }
    }
}

/// The same table as [`RangeTest::holds`].
fn push_range<T>(sql: &mut Sql, prefix: Prefix, lo: T, hi: T)
where
    T: Copy + Send + for<'q> sqlx::Encode<'q, Postgres> + sqlx::Type<Postgres> + 'static,
{
    let within = |sql: &mut Sql| {
        sql.push("(v.lo >= ").push_bind(lo).push(" and v.hi <= ").push_bind(hi).push(")");
    };
    match prefix {
        Prefix::Eq => within(sql),
        Prefix::Ne => {
            sql.push("not ");
            within(sql);
        }
        Prefix::Gt => {
            sql.push("v.hi > ").push_bind(hi);
        }
        Prefix::Lt => {
            sql.push("v.lo < ").push_bind(lo);
        }
        Prefix::Ge => {
            sql.push("(v.hi > ").push_bind(hi).push(" or ");
            within(sql);
            sql.push(")");
        }
        Prefix::Le => {
            sql.push("(v.lo < ").push_bind(lo).push(" or ");
            within(sql);
            sql.push(")");
        }
        Prefix::Sa => {
            sql.push("v.lo >= ").push_bind(hi);
        }
        Prefix::Eb => {
            sql.push("v.hi <= ").push_bind(lo);
        }
        Prefix::Ap => {
            sql.push("(v.lo < ").push_bind(hi).push(" and v.hi > ").push_bind(lo).push(")");
        }
    }
}

/// `_lastUpdated` is a moment, so its comparisons are simpler.
fn push_updated(sql: &mut Sql, test: RangeTest<i64>) {
    let at = |micros: i64| DateTime::<Utc>::from_timestamp_micros(micros).unwrap_or_default();
    let (lo, hi) = (at(test.lo), at(test.hi));
    match test.prefix {
        Prefix::Eq | Prefix::Ap => {
            sql.push("(r.last_updated >= ").push_bind(lo);
            sql.push(" and r.last_updated < ").push_bind(hi).push(")");
        }
        Prefix::Ne => {
            sql.push("(r.last_updated < ").push_bind(lo);
            sql.push(" or r.last_updated >= ").push_bind(hi).push(")");
        }
        Prefix::Gt | Prefix::Sa => {
            sql.push("(r.last_updated >= ").push_bind(hi).push(")");
        }
        Prefix::Lt | Prefix::Eb => {
            sql.push("(r.last_updated < ").push_bind(lo).push(")");
        }
        Prefix::Ge => {
            sql.push("(r.last_updated >= ").push_bind(lo).push(")");
        }
        Prefix::Le => {
            sql.push("(r.last_updated < ").push_bind(hi).push(")");
        }
    }
}
