//! What finds the candidates.

use canonical_model::ResourceType;
use search::expr::{Breadth, Expr, KeyTest, Prefix, RangeTest, TextTest};
use search::query::{Sort, SortBy};
use search::{Key, Param};
use sqlx::{Postgres, QueryBuilder};

use super::order::Order;
use super::page::PageKey;

/// The index that finds candidates. It finds at least all matches of its conjunct.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Driver {
    /// The resources named.
    Identity(Vec<i64>),
    /// One patient's resources under one key, along time.
    PatientTimeline { patient: i64, key: Key, descending: bool },
    /// All resources under one key, along time.
    KeyTimeline { key: Key, descending: bool },
    /// Resources under one key, newest first.
    Token(Key),
    /// Resources under one of several keys, plain or on a timeline.
    Tokens { plain: Vec<Key>, timed: Vec<Key> },
    /// Strings in a range.
    Text { params: Vec<Param>, from: String, to: String },
    /// Dates that can pass a comparison.
    Date { param: Param, test: RangeTest<i64> },
    /// All of the type, along `_lastUpdated`.
    Recent { descending: bool },
}

impl Driver {
    /// Picks the conjunct that tends to match the fewest.
    pub(super) fn choose(filter: &Expr, sort: &[Sort]) -> Self {
        let single;
        let conjuncts: &[Expr] = match filter {
            Expr::And(parts) => parts,
            other => {
                single = [other.clone()];
                &single
            }
        };
        if let Some(driver) = timeline(conjuncts, sort) {
            return driver;
        }
        let best = conjuncts.iter().filter_map(candidate).min_by_key(|(rank, _)| *rank);
        match best {
            Some((_, driver)) => driver,
            None => Self::Recent { descending: !matches!(sort, [Sort { descending: false, .. }]) },
        }
    }

    /// Pushes the from clause: candidates as `d`, their heads as `r`, one lookup each.
    pub(super) fn push_from(
        &self,
        sql: &mut QueryBuilder<Postgres>,
        kind: ResourceType,
        after: Option<(&Order, &PageKey)>,
    ) {
        if let Self::Recent { descending } = self {
            sql.push("(select * from resource x where x.type = ").push_bind(kind.number());
            push_key(sql, "(x.last_updated, x.rid)", *descending, after);
            let way = direction(*descending);
            sql.push(format!(" order by x.last_updated {way}, x.rid {way} offset 0) r"));
            return;
        }
        sql.push("(");
        self.push_candidates(sql, after);
        sql.push(" offset 0) d cross join lateral (select * from resource x where x.rid = d.rid offset 0) r");
    }

    fn push_candidates(&self, sql: &mut QueryBuilder<Postgres>, after: Option<(&Order, &PageKey)>) {
        match self {
            Self::Identity(ids) => {
                sql.push("select x.rid from resource x where x.id_hash = any(")
                    .push_bind(ids.clone())
                    .push(")");
            }
            Self::PatientTimeline { patient, key, descending } => {
                sql.push("select t.rid, t.at from timeline_index t where t.patient = ")
                    .push_bind(*patient)
                    .push(" and t.key = ")
                    .push_bind(*key);
                push_timeline_order(sql, *descending, after);
            }
            Self::KeyTimeline { key, descending } => {
                // A resource of several patients has a row for each.
                sql.push("select distinct t.at, t.rid from timeline_index t where t.key = ")
                    .push_bind(*key);
                push_timeline_order(sql, *descending, after);
            }
            Self::Token(key) => {
                sql.push("select t.rid from token_index t where t.key = ").push_bind(*key);
                push_key(sql, "(t.rid)", true, after);
                sql.push(" order by t.rid desc");
            }
            Self::Tokens { plain, timed } => {
                sql.push("select t.rid from token_index t where t.key = any(")
                    .push_bind(plain.clone())
                    .push(") union select t.rid from timeline_index t where t.key = any(")
                    .push_bind(timed.clone())
                    .push(")");
            }
            Self::Text { params, from, to } => {
                let params: Vec<i64> = params.iter().map(|param| param.0).collect();
                sql.push("select distinct t.rid from string_index t where t.param = any(")
                    .push_bind(params)
                    .push(") and t.value >= ")
                    .push_bind(from.clone())
                    .push(" and t.value < ")
                    .push_bind(to.clone());
            }
            Self::Date { param, test } => {
                push_dates(sql, *param, *test);
            }
            Self::Recent { .. } => {}
        }
    }
}

fn push_timeline_order(
    sql: &mut QueryBuilder<Postgres>,
    descending: bool,
    after: Option<(&Order, &PageKey)>,
) {
    push_key(sql, "(t.at, t.rid)", descending, after);
    let way = direction(descending);
    sql.push(format!(" order by t.at {way}, t.rid {way}"));
}

/// Continues behind a page's last row, inside the index.
fn push_key(
    sql: &mut QueryBuilder<Postgres>,
    columns: &str,
    descending: bool,
    after: Option<(&Order, &PageKey)>,
) {
    if let Some((_, key)) = after {
        sql.push(format!(" and {columns} {} ", if descending { "<" } else { ">" }));
        key.push_row(sql);
    }
}

pub(super) fn direction(descending: bool) -> &'static str {
    if descending { "desc" } else { "asc" }
}

/// A day in microseconds. Longer dates have an index of their own, by their end.
const SHORT: i64 = 86_400_000_000;

/// Dates within bounds that every passing one keeps; the exact test follows on the head. A date that
/// ends behind a moment is short and begins less than a day before it, or it is long.
fn push_dates(sql: &mut QueryBuilder<Postgres>, param: Param, test: RangeTest<i64>) {
    let select = |sql: &mut QueryBuilder<Postgres>| {
        sql.push("select t.rid from date_index t where t.param = ").push_bind(param.0);
    };
    let (ends_after, begins_before) = match test.prefix {
        Prefix::Eq => {
            select(sql);
            sql.push(" and t.lo >= ").push_bind(test.lo).push(" and t.lo < ").push_bind(test.hi);
            sql.push(" group by t.rid");
            return;
        }
        Prefix::Sa => {
            select(sql);
            sql.push(" and t.lo >= ").push_bind(test.hi).push(" group by t.rid");
            return;
        }
        Prefix::Gt => (Some(test.hi), None),
        Prefix::Ge => (Some(test.lo), None),
        Prefix::Lt => (None, Some(test.lo)),
        Prefix::Le => (None, Some(test.hi)),
        Prefix::Eb => (None, Some(test.lo)),
        Prefix::Ap => (Some(test.lo), Some(test.hi)),
        Prefix::Ne => (None, None),
    };
    select(sql);
    if let Some(before) = begins_before {
        sql.push(" and t.lo < ").push_bind(before);
    }
    if let Some(after) = ends_after {
        sql.push(" and t.lo > ").push_bind(after.saturating_sub(SHORT));
        sql.push(" union ");
        select(sql);
        sql.push(" and t.hi > ").push_bind(after);
        sql.push(format!(" and t.hi > t.lo + {SHORT}"));
        if let Some(before) = begins_before {
            sql.push(" and t.lo < ").push_bind(before);
        }
    } else {
        sql.push(" group by t.rid");
    }
}

/// A conjunct that can drive, with how many it tends to match.
fn candidate(conjunct: &Expr) -> Option<(u8, Driver)> {
    match conjunct {
        Expr::Identity(ids) => Some((0, Driver::Identity(ids.clone()))),
        Expr::Key(KeyTest { timed: true, lookup: key, breadth, .. }) => {
            Some((rank(*breadth), Driver::KeyTimeline { key: *key, descending: true }))
        }
        Expr::Key(test) => Some((rank(test.breadth), Driver::Token(test.lookup))),
        Expr::Or(parts) if parts.is_empty() => Some((0, Driver::Identity(Vec::new()))),
        Expr::Or(parts) => {
            let tests: Option<Vec<&KeyTest>> = parts
                .iter()
                .map(|part| match part {
                    Expr::Key(test) => Some(test),
                    _ => None,
                })
                .collect();
            let tests = tests?;
            let widest = tests.iter().map(|test| rank(test.breadth)).max()?;
            let keys = |timed: bool| {
                tests.iter().filter(|test| test.timed == timed).map(|test| test.lookup).collect()
            };
            Some((widest + 1, Driver::Tokens { plain: keys(false), timed: keys(true) }))
        }
        Expr::Text(params, TextTest::Prefix(prefix)) => {
            // A longer prefix matches fewer.
            let rank = if prefix.len() >= 3 { 4 } else { 9 };
            let (from, to) = (prefix.clone(), TextTest::prefix_end(prefix));
            Some((rank, Driver::Text { params: params.clone(), from, to }))
        }
        Expr::Date(param, test) if test.prefix != Prefix::Ne => {
            let rank = if test.prefix == Prefix::Eq { 7 } else { 12 };
            Some((rank, Driver::Date { param: *param, test: *test }))
        }
        Expr::And(_)
        | Expr::Not(_)
        | Expr::Facet(_)
        | Expr::Text(..)
        | Expr::Number(..)
        | Expr::Date(..)
        | Expr::Updated(_) => None,
    }
}

fn rank(breadth: Breadth) -> u8 {
    match breadth {
        Breadth::Unique => 1,
        Breadth::Owned => 3,
        Breadth::Coded => 5,
        Breadth::Common => 10,
    }
}

/// `patient + code` and `code by date` run along the timeline.
fn timeline(conjuncts: &[Expr], sort: &[Sort]) -> Option<Driver> {
    let keys = || {
        conjuncts.iter().filter_map(|conjunct| match conjunct {
            Expr::Key(test) => Some(test),
            _ => None,
        })
    };
    let timed = keys().filter(|test| test.timed).min_by_key(|test| test.breadth)?;
    let by_time = match sort {
        [] => Some(true),
        [Sort { by: SortBy::Date { timed: true, .. }, descending }] => Some(*descending),
        _ => None,
    };
    if let Some(patient) = keys().find_map(|test| test.patient) {
        let descending = by_time.unwrap_or(true);
        return Some(Driver::PatientTimeline { patient, key: timed.lookup, descending });
    }
    // Without a patient only an order by time makes the timeline better than the token.
    let others = conjuncts.len() > 1 && conjuncts.iter().any(|c| narrower(c, timed));
    match sort {
        [_] if !others => {
            by_time.map(|descending| Driver::KeyTimeline { key: timed.lookup, descending })
        }
        _ => None,
    }
}

fn narrower(conjunct: &Expr, than: &KeyTest) -> bool {
    candidate(conjunct).is_some_and(|(rank_of, _)| rank_of < rank(than.breadth))
}
