//! What finds the candidates, and in which order.

use canonical_model::ResourceType;
use search::Key;
use search::expr::{Expr, Prefix};
use search::query::{Sort, SortBy};

use super::along::Along;
use super::compare::moment;
use super::filter::{Lowering, Sql};
use super::order::Order;
use super::page::PageKey;
use super::source::{Source, best, conjuncts, of, timed, timeline};

/// Candidates in an order that a page can follow. They are at least all matches of a conjunct.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Driver {
    /// One patient's resources under one key, along time.
    PatientTimeline { patient: i64, key: Key, descending: bool },
    /// All resources under one key, along time.
    KeyTimeline { key: Key, descending: bool },
    /// A set, by number.
    Set { source: Source, descending: bool },
    /// All that have a value, along it.
    Along(Along),
    /// All of the type, along `_lastUpdated`, between these times.
    Recent { from: Option<i64>, until: Option<i64>, descending: bool },
}

impl Driver {
    /// All of the type, along `_lastUpdated`, that the filter leaves of it.
    pub(super) fn recent(filter: &Expr, descending: bool) -> Self {
        let (from, until) = changed(filter);
        Self::Recent { from, until, descending }
    }

    /// Whether it yields just this source.
    pub(super) fn is_of(&self, source: &Source) -> bool {
        match self {
            Self::Set { source: own, .. } => own == source,
            Self::KeyTimeline { key, .. } => {
                matches!(source, Source::Keys { plain, timed } if plain.is_empty() && timed == &[*key])
            }
            Self::PatientTimeline { .. } | Self::Along(_) | Self::Recent { .. } => false,
        }
    }

    /// Picks the conjunct that tends to match the fewest.
    pub(super) fn choose(filter: &Expr, sort: &[Sort]) -> Self {
        if let Some(driver) = along_time(filter, sort) {
            return driver;
        }
        match best(filter) {
            Some((_, source)) => Self::Set { source, descending: true },
            None => Self::recent(filter, !matches!(sort, [Sort { descending: false, .. }])),
        }
    }

    /// The same candidates from their end.
    pub(super) fn reversed(mut self) -> Self {
        match &mut self {
            Self::PatientTimeline { descending, .. }
            | Self::KeyTimeline { descending, .. }
            | Self::Set { descending, .. }
            | Self::Along(Along { descending, .. })
            | Self::Recent { descending, .. } => *descending = !*descending,
        }
        self
    }

    /// Pushes the from clause: candidates as `d`, their heads as `r`, one lookup each.
    pub(super) fn push_from(
        &self,
        sql: &mut Sql,
        lowering: Lowering<'_>,
        kind: ResourceType,
        after: Option<(&Order, &PageKey)>,
    ) {
        if let Self::Recent { from, until, descending } = self {
            sql.push("(select * from resource x where x.type = ").push_bind(kind.number());
            for (bound, than) in [(from, ">="), (until, "<")] {
                if let Some(micros) = bound {
                    sql.push(format!(" and x.last_updated {than} ")).push_bind(moment(*micros));
                }
            }
            push_key(sql, " and", "(x.last_updated, x.rid)", *descending, after);
            let way = direction(*descending);
            sql.push(format!(" order by x.last_updated {way}, x.rid {way} offset 0) r"));
            return;
        }
        sql.push("(");
        self.push_candidates(sql, lowering, after);
        sql.push(" offset 0) d cross join lateral (select * from resource x where x.rid = d.rid offset 0) r");
    }

    /// Pushes what must hold of a candidate and its head beside the search.
    pub(super) fn push_own_test(&self, sql: &mut Sql) {
        if let Self::Along(along) = self {
            along.push_own_test(sql);
        }
    }

    /// By what tends to find the fewest, in no order.
    pub(super) fn by_rank(filter: &Expr) -> Self {
        match best(filter) {
            Some((_, source)) => Self::Set { source, descending: true },
            None => Self::recent(filter, true),
        }
    }

    fn push_candidates(
        &self,
        sql: &mut Sql,
        lowering: Lowering<'_>,
        after: Option<(&Order, &PageKey)>,
    ) {
        match self {
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
            Self::Set { source: source @ Source::Keys { plain, .. }, descending }
                if source.is_walk() =>
            {
                // In the index's own order: no more is read than the page needs.
                sql.push("select t.rid from token_index t where t.key = ")
                    .push_bind(plain.first().copied());
                push_key(sql, " and", "(t.rid)", *descending, after);
                sql.push(format!(" order by t.rid {}", direction(*descending)));
            }
            Self::Set { source, descending } => {
                sql.push("select distinct u.rid from (");
                source.push(sql, lowering);
                sql.push(") u (rid)");
                push_key(sql, " where", "(u.rid)", *descending, after);
                sql.push(format!(" order by u.rid {}", direction(*descending)));
            }
            Self::Along(along) => along.push(sql, after),
            Self::Recent { .. } => {}
        }
    }
}

fn push_timeline_order(sql: &mut Sql, descending: bool, after: Option<(&Order, &PageKey)>) {
    push_key(sql, " and", "(t.at, t.rid)", descending, after);
    let way = direction(descending);
    sql.push(format!(" order by t.at {way}, t.rid {way}"));
}

/// Continues behind a page's last row, inside the index.
pub(super) fn push_key(
    sql: &mut Sql,
    word: &str,
    columns: &str,
    descending: bool,
    after: Option<(&Order, &PageKey)>,
) {
    if let Some((_, key)) = after {
        sql.push(format!("{word} {columns} {} ", if descending { "<" } else { ">" }));
        key.push_row(sql);
    }
}

pub(super) fn direction(descending: bool) -> &'static str {
    if descending { "desc" } else { "asc" }
}

/// The times between which all that passes was changed; the exact test follows on the head.
fn changed(filter: &Expr) -> (Option<i64>, Option<i64>) {
    let tests = conjuncts(filter).into_iter().filter_map(|part| match part {
        Expr::Updated(test) => Some(test),
        _ => None,
    });
    let (mut from, mut until) = (None::<i64>, None::<i64>);
    for test in tests {
        let (lower, upper) = match test.prefix {
            Prefix::Eq | Prefix::Ap => (Some(test.lo), Some(test.hi)),
            Prefix::Gt | Prefix::Sa => (Some(test.hi), None),
            Prefix::Ge => (Some(test.lo), None),
            Prefix::Lt | Prefix::Eb => (None, Some(test.lo)),
            Prefix::Le => (None, Some(test.hi)),
            Prefix::Ne => (None, None),
        };
        from = from.max(lower);
        until = until.into_iter().chain(upper).min();
    }
    (from, until)
}

/// `patient + code` and `code by date` run along the timeline.
fn along_time(filter: &Expr, sort: &[Sort]) -> Option<Driver> {
    let parts = conjuncts(filter);
    let by_time = match sort {
        [] => Some(true),
        [Sort { by: SortBy::Date { timed: true, .. }, descending }] => Some(*descending),
        _ => None,
    };
    if let Some((patient, test)) = timeline(&parts) {
        let descending = by_time.unwrap_or(true);
        return Some(Driver::PatientTimeline { patient, key: test.lookup, descending });
    }
    // All of a key's resources are on its timeline: its newest are read off it.
    let test = timed(&parts)?;
    let (own, _) = of(&Expr::Key(*test))?;
    let narrower = parts.iter().filter_map(|part| of(part)).any(|(rank, _)| rank < own);
    by_time
        .filter(|_| !narrower)
        .map(|descending| Driver::KeyTimeline { key: test.lookup, descending })
}
