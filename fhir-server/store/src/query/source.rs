//! Sets of candidates: what an inverted index finds for one conjunct, in no order, at least all of its
//! matches.

use search::expr::Breadth;
use search::expr::{Circle, Expr, KeyTest, Link, NumberTest, Prefix, RangeTest, TextTest};
use search::fold::string_key;
use search::limits::STRING_KEY_BYTES_MAX;
use search::{Key, Param};

use super::bounds::Bounds;
use super::filter::{Lowering, Sql, band, push_where};
use super::links::push_list;

/// A set of candidates.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Source {
    /// The resources named.
    Identity(Vec<i64>),
    /// One patient's resources under one key.
    Timeline { patient: i64, key: Key },
    /// Resources under one of several keys, plain or on a timeline.
    Keys { plain: Vec<Key>, timed: Vec<Key> },
    /// Strings that pass a test.
    Text(Vec<Param>, TextTest),
    /// Dates that can pass all of these comparisons.
    Date(Param, Vec<RangeTest<i64>>),
    /// Numbers that can pass a comparison.
    Number(Vec<Param>, NumberTest),
    /// Positions within a band of latitudes.
    Band(Circle),
    /// What refers to candidates of another type.
    Chain(Link, Box<Source>),
    /// What candidates of another type refer to.
    Has(Link, Box<Source>),
    /// What a list has.
    Listed { list: i64, item: Param },
    /// All of these.
    Union(Vec<Source>),
}

/// A source and how much it tends to find: lower is less.
pub(super) type Ranked = (u8, Source);

/// The conjuncts of a filter, however deep the ands are.
pub(super) fn conjuncts(filter: &Expr) -> Vec<&Expr> {
    match filter {
        Expr::And(parts) => parts.iter().flat_map(conjuncts).collect(),
        other => vec![other],
    }
}

/// The source that tends to find the fewest.
pub(super) fn best(filter: &Expr) -> Option<Ranked> {
    let parts = conjuncts(filter);
    let timeline =
        timeline(&parts).map(|(patient, test)| (2, Source::Timeline { patient, key: test.lookup }));
    parts.into_iter().filter_map(of).chain(timeline).min_by_key(|(rank, _)| *rank)
}

/// A patient and a key that their timeline holds.
pub(super) fn timeline<'a>(conjuncts: &[&'a Expr]) -> Option<(i64, &'a KeyTest)> {
    let patient = conjuncts.iter().find_map(|conjunct| match conjunct {
        Expr::Key(test) => test.patient,
        Expr::Owned(patient) => Some(*patient),
        _ => None,
    });
    patient.zip(timed(conjuncts))
}

/// The key on a timeline that tends to match the fewest.
pub(super) fn timed<'a>(conjuncts: &[&'a Expr]) -> Option<&'a KeyTest> {
    let keys = conjuncts.iter().filter_map(|conjunct| match conjunct {
        Expr::Key(test) if test.timed => Some(test),
        _ => None,
    });
    keys.min_by_key(|test| test.breadth)
}

/// What finds one conjunct's candidates, if anything does.
pub(super) fn of(conjunct: &Expr) -> Option<Ranked> {
    match conjunct {
        Expr::Identity(ids) => Some((0, Source::Identity(ids.clone()))),
        Expr::Key(test) => Some((rank(test.breadth), keys(&[test]))),
        Expr::Or(parts) => of_any(parts),
        Expr::And(_) => best(conjunct),
        Expr::Text(params, test) => {
            let rank = match test {
                TextTest::Equals(_) => 3,
                TextTest::Prefix(prefix) if prefix.len() >= 3 => 4,
                TextTest::Prefix(_) => 9,
                TextTest::Contains(_) => 11,
            };
            Some((rank, Source::Text(params.clone(), test.clone())))
        }
        Expr::Date(param, test) => dates(*param, &[*test]),
        Expr::OneDate(param, tests) => dates(*param, tests),
        Expr::Number(params, test) => {
            let rank = match test.prefix {
                Prefix::Ne => return None,
                _ if test.narrow => 4,
                Prefix::Eq => 7,
                _ => 12,
            };
            Some((rank, Source::Number(params.clone(), *test)))
        }
        Expr::Near(circle) => Some((6, Source::Band(*circle))),
        Expr::Chain(link) => linked(link, Source::Chain),
        Expr::Has(link) => linked(link, Source::Has),
        Expr::Listed { list, item } => Some((3, Source::Listed { list: *list, item: *item })),
        Expr::Not(_)
        | Expr::Facet(_)
        | Expr::Beside(_)
        | Expr::Owned(_)
        | Expr::Words { .. }
        | Expr::Updated(_) => None,
    }
}

fn of_any(parts: &[Expr]) -> Option<Ranked> {
    let tests: Option<Vec<&KeyTest>> = parts
        .iter()
        .map(|part| match part {
            Expr::Key(test) => Some(test),
            _ => None,
        })
        .collect();
    if let Some(tests) = tests.filter(|tests| !tests.is_empty()) {
        let widest = tests.iter().map(|test| rank(test.breadth)).max()?;
        return Some((widest + 1, keys(&tests)));
    }
    let all: Option<Vec<Ranked>> = parts.iter().map(of).collect();
    let (ranks, sources): (Vec<u8>, Vec<Source>) = all?.into_iter().unzip();
    match ranks.into_iter().max() {
        None => Some((0, Source::Identity(Vec::new()))),
        Some(widest) => Some((widest + 1, Source::Union(sources))),
    }
}

fn keys(tests: &[&KeyTest]) -> Source {
    let of = |timed: bool| tests.iter().filter(|t| t.timed == timed).map(|t| t.lookup).collect();
    Source::Keys { plain: of(false), timed: of(true) }
}

fn dates(param: Param, tests: &[RangeTest<i64>]) -> Option<Ranked> {
    let bounds = Bounds::of(tests);
    let rank = if bounds.is_closed() { 7 } else { 12 };
    bounds.is_bounded().then(|| (rank, Source::Date(param, tests.to_vec())))
}

/// A link drives where its other end is found by something that is not common.
fn linked(link: &Link, make: fn(Link, Box<Source>) -> Source) -> Option<Ranked> {
    let (rank, source) = best(&link.filter).filter(|(rank, _)| *rank < COMMON)?;
    Some((rank + 2, make(link.clone(), Box::new(source))))
}

/// From here on a source finds a large part of all.
const COMMON: u8 = 10;

fn rank(breadth: Breadth) -> u8 {
    match breadth {
        Breadth::Unique => 1,
        Breadth::Owned => 3,
        Breadth::Coded => 5,
        Breadth::Common => 10,
    }
}

impl Source {
    /// Whether its index yields it in the order of `rid`.
    pub(super) fn is_walk(&self) -> bool {
        matches!(self, Self::Keys { plain, timed } if plain.len() == 1 && timed.is_empty())
    }

    /// Whether it begins with resources of another type.
    pub(super) fn is_linked(&self) -> bool {
        match self {
            Self::Chain(..) | Self::Has(..) => true,
            Self::Union(parts) => parts.iter().any(Self::is_linked),
            _ => false,
        }
    }

    /// Whether it begins with resources that are referred to.
    pub(super) fn is_chain(&self) -> bool {
        match self {
            Self::Chain(..) => true,
            Self::Union(parts) => parts.iter().all(Self::is_chain),
            _ => false,
        }
    }

    /// Whether what it finds needs no further test of this conjunct: links are tested on their way.
    pub(super) fn proves(&self, conjunct: &Expr) -> bool {
        match (self, conjunct) {
            (Self::Chain(link, _), Expr::Chain(asked)) | (Self::Has(link, _), Expr::Has(asked)) => {
                link == asked
            }
            (Self::Union(sources), Expr::Or(parts)) => {
                let mut both = sources.iter().zip(parts);
                sources.len() == parts.len() && both.all(|(source, part)| source.proves(part))
            }
            _ => false,
        }
    }

    /// Pushes a test of a head: it refers to one of the resources at the other end, which are found once
    /// and kept hashed. Only for chains.
    pub(super) fn push_gathered(&self, sql: &mut Sql, lowering: Lowering<'_>) {
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
    pub(super) fn push(&self, sql: &mut Sql, lowering: Lowering<'_>) {
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
            Self::Date(param, tests) => push_dates(sql, *param, Bounds::of(tests)),
            Self::Number(params, test) => push_numbers(sql, params, test),
            Self::Band(circle) => {
                let (south, north) = band(circle);
                push_index(sql, "number_index", &[circle.latitude_param]);
                sql.push(" and t.lo >= ").push_bind(south).push(" and t.lo <= ").push_bind(north);
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
    push_where(sql, deeper, link.kind, &link.filter);
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
    push_where(sql, deeper, link.kind, &link.filter);
}

fn push_keys(sql: &mut Sql, plain: &[Key], timed: &[Key]) {
    for (n, (table, keys)) in [("token_index", plain), ("timeline_index", timed)]
        .into_iter()
        .filter(|(_, keys)| !keys.is_empty())
        .enumerate()
    {
        sql.push(if n > 0 { " union all " } else { "" });
        sql.push(format!("select t.rid from {table} t where t.key = any("))
            .push_bind(keys.to_vec())
            .push(")");
    }
}

fn push_index(sql: &mut Sql, table: &str, params: &[Param]) {
    let params: Vec<i64> = params.iter().map(|param| param.0).collect();
    sql.push(format!("select t.rid from {table} t where t.param = any("))
        .push_bind(params)
        .push(")");
}

fn push_text(sql: &mut Sql, params: &[Param], test: &TextTest) {
    push_index(sql, "string_index", params);
    match test {
        TextTest::Prefix(prefix) => {
            let prefix = string_key(prefix);
            sql.push(" and t.value >= ").push_bind(prefix.to_owned());
            sql.push(" and t.value < ").push_bind(TextTest::prefix_end(prefix));
        }
        TextTest::Equals(whole) => {
            sql.push(" and t.value = ").push_bind(string_key(whole).to_owned());
        }
        TextTest::Contains(part) => {
            // A long string holds more than the index says.
            sql.push(" and (strpos(t.value, ").push_bind(part.clone());
            sql.push(format!(") > 0 or octet_length(t.value) > {})", STRING_KEY_BYTES_MAX - 4));
        }
    }
}

/// A day in microseconds. Longer dates have an index of their own, by their end.
const SHORT: i64 = 86_400_000_000;

/// Dates within bounds that every passing one keeps; the exact test follows on the head. A date that
/// ends behind a moment is short and begins less than a day before it, or it is long.
fn push_dates(sql: &mut Sql, param: Param, bounds: Bounds) {
    let select = |sql: &mut Sql| {
        push_index(sql, "date_index", &[param]);
        if let Some(from) = bounds.begins_from {
            sql.push(" and t.lo >= ").push_bind(from);
        }
        if let Some(before) = bounds.begins_before {
            sql.push(" and t.lo < ").push_bind(before);
        }
    };
    select(sql);
    if let Some(after) = bounds.ends_after {
        sql.push(" and t.lo > ").push_bind(after.saturating_sub(SHORT));
        sql.push(" union all ");
        select(sql);
        sql.push(" and t.hi > ").push_bind(after);
        sql.push(format!(" and t.hi > t.lo + {SHORT}"));
    }
}

/// A plain number is found by its beginning; stretches have an index of their own, by their end.
fn push_numbers(sql: &mut Sql, params: &[Param], test: &NumberTest) {
    let select = |sql: &mut Sql| push_index(sql, "number_index", params);
    select(sql);
    let stretches = match test.prefix {
        Prefix::Eq | Prefix::Ap => {
            sql.push(" and t.lo >= ").push_bind(test.lo).push(" and t.lo <= ").push_bind(test.hi);
            (test.prefix == Prefix::Ap).then_some((test.lo, Some(test.hi)))
        }
        Prefix::Lt | Prefix::Le | Prefix::Eb => {
            sql.push(" and t.lo <= ").push_bind(test.at);
            None
        }
        Prefix::Sa => {
            sql.push(" and t.lo > ").push_bind(test.at);
            None
        }
        Prefix::Gt | Prefix::Ge => {
            sql.push(" and t.lo >= ").push_bind(test.at);
            Some((test.at, None))
        }
        Prefix::Ne => None,
    };
    if let Some((after, before)) = stretches {
        sql.push(" union all ");
        select(sql);
        sql.push(" and t.hi > t.lo and t.hi >= ").push_bind(after);
        if let Some(before) = before {
            sql.push(" and t.lo < ").push_bind(before);
        }
    }
}
