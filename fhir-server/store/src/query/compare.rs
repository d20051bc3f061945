//! Comparisons of one value, as `v`, and of `_lastUpdated`.

use chrono::{DateTime, Utc};
use search::expr::{NumberTest, Prefix, RangeTest, TextTest};
use sqlx::Postgres;

use super::filter::Sql;

pub(super) fn push_text(sql: &mut Sql, test: &TextTest) {
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
pub(super) fn push_range<T>(sql: &mut Sql, prefix: Prefix, lo: T, hi: T)
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

/// The same table as [`NumberTest::holds`].
pub(super) fn push_number(sql: &mut Sql, test: &NumberTest) {
    let within = |sql: &mut Sql| {
        sql.push("((v.lo >= ").push_bind(test.lo).push(" and v.hi < ").push_bind(test.hi);
        sql.push(") or (v.lo = ").push_bind(test.at);
        sql.push(" and v.hi = ").push_bind(test.at).push("))");
    };
    let (column, sign) = match test.prefix {
        Prefix::Eq => return within(sql),
        Prefix::Ne => {
            sql.push("not ");
            return within(sql);
        }
        Prefix::Ap => {
            sql.push("(v.lo < ").push_bind(test.hi);
            sql.push(" and v.hi >= ").push_bind(test.lo).push(")");
            return;
        }
        Prefix::Gt => ("v.hi", " > "),
        Prefix::Ge => ("v.hi", " >= "),
        Prefix::Lt => ("v.lo", " < "),
        Prefix::Le => ("v.lo", " <= "),
        Prefix::Sa => ("v.lo", " > "),
        Prefix::Eb => ("v.hi", " < "),
    };
    sql.push(column).push(sign).push_bind(test.at);
}

/// Microseconds since 1970 as PostgreSQL has them.
pub(super) fn moment(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}

/// `_lastUpdated` is a moment, so its comparisons are simpler.
pub(super) fn push_updated(sql: &mut Sql, r: &str, test: RangeTest<i64>) {
    let (lo, hi) = (moment(test.lo), moment(test.hi));
    match test.prefix {
        Prefix::Eq | Prefix::Ap => {
            sql.push(format!("({r}.last_updated >= ")).push_bind(lo);
            sql.push(format!(" and {r}.last_updated < ")).push_bind(hi).push(")");
        }
        Prefix::Ne => {
            sql.push(format!("({r}.last_updated < ")).push_bind(lo);
            sql.push(format!(" or {r}.last_updated >= ")).push_bind(hi).push(")");
        }
        Prefix::Gt | Prefix::Sa => {
            sql.push(format!("({r}.last_updated >= ")).push_bind(hi).push(")");
        }
        Prefix::Lt | Prefix::Eb => {
            sql.push(format!("({r}.last_updated < ")).push_bind(lo).push(")");
        }
        Prefix::Ge => {
            sql.push(format!("({r}.last_updated >= ")).push_bind(lo).push(")");
        }
        Prefix::Le => {
            sql.push(format!("({r}.last_updated < ")).push_bind(hi).push(")");
        }
    }
}
