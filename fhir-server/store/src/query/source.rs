//! Sets of candidates: what an inverted index finds for one conjunct, in no order: at least all of its matches, and of
//! some conjuncts no more.

mod sql;

use search::expr::{Breadth, Circle, Expr, KeyTest, Link, NumberTest, Prefix, RangeTest, TextTest};
use search::limits::STRING_KEY_BYTES_MAX;
use search::{Key, Param};

use super::bounds::Bounds;

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
    /// Dates that pass all of these comparisons.
    Date(Param, Vec<RangeTest<i64>>),
    /// Numbers that pass a comparison.
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

    /// Whether what it finds needs no further test of this conjunct: links are tested on their way, and an index holds
    /// all of a date, of a number, and of a text that is not long.
    pub(super) fn proves(&self, conjunct: &Expr) -> bool {
        match (self, conjunct) {
            (Self::Chain(link, _), Expr::Chain(asked)) | (Self::Has(link, _), Expr::Has(asked)) => {
                link == asked
            }
            (Self::Text(own, test), Expr::Text(params, asked)) => {
                own == params && test == asked && is_whole_in_index(test)
            }
            (Self::Date(own, tests), Expr::Date(param, asked)) => {
                own == param && tests.as_slice() == [*asked]
            }
            (Self::Date(own, tests), Expr::OneDate(param, asked)) => own == param && tests == asked,
            (Self::Number(own, test), Expr::Number(params, asked)) => {
                own == params && test == asked
            }
            (Self::Union(sources), Expr::Or(parts)) => {
                let mut both = sources.iter().zip(parts);
                sources.len() == parts.len() && both.all(|(source, part)| source.proves(part))
            }
            _ => false,
        }
    }
}

/// Whether the beginnings of long texts, which the index holds, are decided by this test as the texts are: where it asks
/// for less than the shortest of them.
fn is_whole_in_index(test: &TextTest) -> bool {
    match test {
        TextTest::Prefix(text) | TextTest::Equals(text) => text.len() < STRING_KEY_BYTES_MAX - 3,
        TextTest::Contains(_) => false,
    }
}
