//! Which end of a search drives. Where a guess by kind is not enough, the sources that could drive are
//! counted first, each up to a bound: the smallest does, and where none is small the search walks what it
//! looks in, newest first, and tests each: against the few that may be referred to, where they are few. So no plan depends on statistics, and none on luck.

use canonical_model::Result;
use search::Param;
use search::expr::{Expr, KeyTest, Prefix};
use search::query::{Sort, SortBy};
use sqlx::PgConnection;

use super::along::{Along, Values};
use super::bounds::Bounds;
use super::driver::Driver;
use super::filter::Lowering;
use super::order::FieldKind;
use super::page::PageKey;
use super::probe::{Size, sizes};
use super::source::{Ranked, Source, conjuncts, of, timed, timeline};
use crate::limits::{PROBED_FIRST_MAX, TEXT_PARAMS_MAX};

/// What is asked of one type.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) filter: &'a Expr,
    pub(super) sort: &'a [Sort],
    /// The page's place in its walk; pages of one walk must come in one order.
    pub(super) after: Option<&'a PageKey>,
    /// Whether all matches are needed, as for a count: then no walk ends early.
    pub(super) all: bool,
    /// Whether it is the only type that is searched.
    pub(super) alone: bool,
}

/// Up to this rank a source is small by its kind, and is not counted.
const SMALL: u8 = 3;
/// Up to this rank the narrowest key is trusted to lead, if it leads in the answer's order.
const TRUSTED: u8 = 5;
/// A prefix of a few letters at least.
const PREFIX: u8 = 4;

/// What leads a search of one type.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lead {
    pub(super) driver: Driver,
    /// What candidates may refer to, gathered once instead of looked up for each candidate.
    pub(super) gathered: Option<Source>,
}

impl Lead {
    pub(super) fn by(driver: Driver) -> Self {
        Self { driver, gathered: None }
    }

    /// The same candidates from their end.
    pub(super) fn reversed(self) -> Self {
        Self { driver: self.driver.reversed(), ..self }
    }

    /// Whether a conjunct needs no test by itself.
    pub(super) fn proves(&self, conjunct: &Expr) -> bool {
        let driving = match &self.driver {
            Driver::Set { source, .. } => source.proves(conjunct),
            _ => false,
        };
        driving || self.gathered.as_ref().is_some_and(|source| source.proves(conjunct))
    }
}

/// What leads one search, one for each type. Asks the database once, and only where there is doubt.
pub(super) async fn leads(
    connection: &mut PgConnection,
    lowering: Lowering<'_>,
    asked: &[Asked<'_>],
) -> Result<Vec<Lead>> {
    let choices: Vec<Choice> = asked.iter().map(Choice::of).collect();
    let mut sizes = counted(connection, lowering, &choices).await?.into_iter();
    Ok(choices.into_iter().map(|choice| choice.decide(&mut sizes)).collect())
}

/// The sizes of all open sources, as they are known or are counted now.
async fn counted(
    connection: &mut PgConnection,
    lowering: Lowering<'_>,
    choices: &[Choice],
) -> Result<Vec<Size>> {
    let open: Vec<&Source> = choices.iter().flat_map(Choice::sources).collect();
    if open.is_empty() {
        return Ok(Vec::new());
    }
    let Some(remembered) = lowering.remembered else {
        return count(connection, lowering, choices, &open).await;
    };
    let name = remembered.name(&open);
    if let Some(sizes) = remembered.of(name) {
        return Ok(sizes.to_vec());
    }
    let sizes = count(connection, lowering, choices, &open).await?;
    remembered.keep(name, &sizes);
    Ok(sizes)
}

/// Each is counted up to a little first, for mostly one of them has no more than that; only where all of
/// them have more are they counted on.
async fn count(
    connection: &mut PgConnection,
    lowering: Lowering<'_>,
    choices: &[Choice],
    open: &[&Source],
) -> Result<Vec<Size>> {
    let little = lowering.probed.min(PROBED_FIRST_MAX);
    let first = sizes(connection, Lowering { probed: little, ..lowering }, open).await?;
    let mut rest = first.as_slice();
    let settled = choices.iter().all(|choice| {
        let (own, others) = rest.split_at(choice.sources().count());
        rest = others;
        own.is_empty() || own.iter().any(|size| size.small().is_some())
    });
    if settled || little == lowering.probed {
        return Ok(first);
    }
    sizes(connection, lowering, open).await
}

enum Choice {
    Sure(Driver),
    Open {
        sources: Vec<Ranked>,
        /// What yields the answer's own order, so that a page ends it early.
        walk: Option<Driver>,
        /// Whether the walk's first page went along it.
        held: bool,
        /// All that there is, where nothing drives.
        rest: Driver,
    },
}

impl Choice {
    fn of(asked: &Asked<'_>) -> Self {
        let Asked { filter, sort, after, all, alone } = *asked;
        let guess = Driver::choose(filter, sort);
        if matches!(guess, Driver::PatientTimeline { .. }) {
            return Self::Sure(guess);
        }
        let walk = (!all).then(|| walk(filter, sort)).flatten();
        // Of several types the answers are put in order together.
        let walk = walk.filter(|walk| alone || walk.along().is_none());
        let mut sources = sources(filter);
        sources.sort_by_key(|(rank, _)| *rank);
        // A walk that began in a set has no place in the order of anything else.
        let in_sets = sort.is_empty() && after.is_some_and(|key| key.kinds().is_empty());
        let rest = match sources.first().filter(|_| in_sets) {
            Some((_, best)) => Driver::Set { source: best.clone(), descending: true },
            None => Driver::recent(filter, true),
        };
        let linked = sources.iter().any(|(_, source)| source.is_linked());
        let walk = match after.map(|key| held(key, sort, walk.clone(), filter)) {
            Some(Held::To(driver)) if linked => {
                return Self::Open { sources, walk: Some(driver), held: true, rest };
            }
            Some(Held::To(driver)) => return Self::Sure(driver),
            Some(Held::Sets(walk)) => walk,
            None => walk,
        };
        let Some((rank, best)) = sources.first() else {
            return Self::Sure(walk.unwrap_or(guess));
        };
        let leads = match &guess {
            Driver::KeyTimeline { .. } => true,
            _ => sort.is_empty() && best.is_walk(),
        };
        let single = sources.len() == 1 && !linked;
        // What walks what alone could drive reads no more than that would.
        if single && let Some(walk) = walk.as_ref().filter(|walk| walk.is_of(best)) {
            return Self::Sure(walk.clone());
        }
        let sure = *rank <= SMALL
            || (!linked && *rank <= TRUSTED && (leads || walk.is_none()))
            || (single && (walk.is_none() || (sort.is_empty() && *rank <= PREFIX)));
        let sure = sure && (!in_sets || matches!(guess, Driver::Set { .. }));
        if sure { Self::Sure(guess) } else { Self::Open { sources, walk, held: false, rest } }
    }

    fn sources(&self) -> impl Iterator<Item = &Source> {
        let sources = match self {
            Self::Sure(_) => &[],
            Self::Open { sources, .. } => sources.as_slice(),
        };
        sources.iter().map(|(_, source)| source)
    }

    fn decide(self, sizes: &mut impl Iterator<Item = Size>) -> Lead {
        let (mut sources, walk, held, rest) = match self {
            Self::Sure(driver) => return Lead::by(driver),
            Self::Open { sources, walk, held, rest } => (sources, walk, held, rest),
        };
        let sizes: Vec<Size> = sizes.by_ref().take(sources.len()).collect();
        let sized = |size: fn(Size) -> Option<i64>| {
            sizes.iter().enumerate().filter_map(move |(n, one)| Some((size(*one)?, n)))
        };
        if let Some((_, n)) = sized(Size::small).min().filter(|_| !held) {
            let (_, source) = sources.swap_remove(n);
            return Lead::by(match walk {
                Some(walk) if walk.is_of(&source) => walk,
                _ => Driver::Set { source, descending: true },
            });
        }
        let Some(driver) = walk else { return Lead::by(whole(&sources, rest)) };
        let chain = |(_, n): &(i64, usize)| sources.get(*n).is_some_and(|(_, it)| it.is_chain());
        let gathered = sized(Size::few).filter(chain).min().map(|(_, n)| n);
        let gathered = gathered.map(|n| sources.swap_remove(n).1);
        Lead { driver, gathered }
    }
}

/// All matches are needed and nothing is small: rather a key, then references to it, for there are fewer
/// of what is referred to than of what refers; then whatever tends to be smallest.
fn whole(sources: &[Ranked], rest: Driver) -> Driver {
    let key = |(rank, source): &Ranked| *rank <= TRUSTED && !source.is_linked();
    let chain = |(_, source): &Ranked| source.is_chain();
    let plain = |(_, source): &Ranked| !source.is_linked();
    let found = sources.iter().find(|it| key(it)).or_else(|| sources.iter().find(|it| chain(it)));
    match found.or_else(|| sources.iter().find(|it| plain(it))) {
        Some((_, source)) => Driver::Set { source: source.clone(), descending: true },
        None => rest,
    }
}

enum Held {
    /// By this driver.
    To(Driver),
    /// By any set; one that walks is given if it is one.
    Sets(Option<Driver>),
}

/// What the walk's first page has settled.
fn held(key: &PageKey, sort: &[Sort], walk: Option<Driver>, filter: &Expr) -> Held {
    let set = |walk: Option<Driver>| walk.filter(|walk| matches!(walk, Driver::Set { .. }));
    match (sort, key.kinds().as_slice()) {
        ([], [FieldKind::Time]) => Held::To(Driver::recent(filter, true)),
        ([], [FieldKind::Number]) => match key_timeline(filter) {
            Some(driver) => Held::To(driver),
            None => Held::Sets(set(walk)),
        },
        ([], _) => Held::Sets(set(walk)),
        _ => match walk {
            Some(walk) if key.walked => Held::To(walk),
            _ => Held::Sets(None),
        },
    }
}

/// What yields the order that is asked for.
fn walk(filter: &Expr, sort: &[Sort]) -> Option<Driver> {
    match sort {
        [] => Some(
            key_timeline(filter)
                .or_else(|| narrowest_key(filter))
                .unwrap_or_else(|| Driver::recent(filter, true)),
        ),
        [Sort { by: SortBy::Updated, descending }] => Some(Driver::recent(filter, *descending)),
        [Sort { by: SortBy::Date { param, timed }, descending }] => {
            let timeline = key_timeline(filter).filter(|_| *timed && *descending);
            timeline.or_else(|| dates(filter, *param, *descending))
        }
        [Sort { by: SortBy::Text(params), descending }] if params.len() <= TEXT_PARAMS_MAX => {
            Some(along(Values::Texts(params.clone()), *descending))
        }
        _ => None,
    }
}

/// A resource is met at its highest value, or at its lowest.
fn along(values: Values, descending: bool) -> Driver {
    Driver::Along(Along { values, highest: descending, descending })
}

/// Along the dates, unless the search is for some at the far end of them. Where each has one date, the walk
/// begins and ends with those that the search is for.
fn dates(filter: &Expr, param: Param, descending: bool) -> Option<Driver> {
    let far = |conjunct: &&Expr| match conjunct {
        Expr::Date(of, test) if *of == param => match test.prefix {
            Prefix::Ne => false,
            Prefix::Gt | Prefix::Ge | Prefix::Sa => !descending,
            Prefix::Lt | Prefix::Le | Prefix::Eb => descending,
            Prefix::Eq | Prefix::Ap => true,
        },
        // From a moment on there are those too that began before it, and go on.
        Expr::OneDate(of, tests) if *of == param => {
            !descending && Bounds::of(tests).ends_after.is_some()
        }
        Expr::Or(parts) => {
            parts.iter().any(|part| matches!(part, Expr::Date(of, _) if *of == param))
        }
        _ => false,
    };
    let parts = conjuncts(filter);
    if parts.iter().any(far) {
        return None;
    }
    let bounds = parts.into_iter().find_map(|part| match part {
        Expr::OneDate(of, tests) if *of == param => Some(Bounds::of(tests)),
        _ => None,
    });
    let Bounds { begins_from: from, begins_before: until, .. } = bounds.unwrap_or_default();
    Some(along(Values::Dates { param, from, until }, descending))
}

/// Along a key whose entries are in the order of time, if no other key is narrower.
fn key_timeline(filter: &Expr) -> Option<Driver> {
    let parts = conjuncts(filter);
    let test = timed(&parts)?;
    let is_narrowest = narrowest(filter).is_none_or(|least| least.breadth >= test.breadth);
    is_narrowest.then_some(Driver::KeyTimeline { key: test.lookup, descending: true })
}

fn narrowest_key(filter: &Expr) -> Option<Driver> {
    let test = narrowest(filter)?;
    let source = Source::Keys { plain: vec![test.lookup], timed: Vec::new() };
    Some(Driver::Set { source, descending: true })
}

fn narrowest(filter: &Expr) -> Option<&KeyTest> {
    let keys = conjuncts(filter).into_iter().filter_map(|conjunct| match conjunct {
        Expr::Key(test) => Some(test),
        _ => None,
    });
    keys.min_by_key(|test| test.breadth)
}

/// All that could drive, links by each source of their other end.
fn sources(filter: &Expr) -> Vec<Ranked> {
    let parts = conjuncts(filter);
    let timeline =
        timeline(&parts).map(|(patient, test)| (2, Source::Timeline { patient, key: test.lookup }));
    parts.into_iter().flat_map(each).chain(timeline).collect()
}

fn each(conjunct: &Expr) -> Vec<Ranked> {
    match conjunct {
        Expr::Chain(link) => sources(&link.filter)
            .into_iter()
            .map(|(rank, inner)| (rank + 2, Source::Chain(link.clone(), Box::new(inner))))
            .collect(),
        Expr::Has(link) => sources(&link.filter)
            .into_iter()
            .map(|(rank, inner)| (rank + 2, Source::Has(link.clone(), Box::new(inner))))
            .collect(),
        Expr::Or(parts) if parts.iter().any(is_link) => united(parts).into_iter().collect(),
        other => of(other).into_iter().collect(),
    }
}

fn is_link(expr: &Expr) -> bool {
    matches!(expr, Expr::Chain(_) | Expr::Has(_))
}

/// Each part by what tends to be its smallest.
fn united(parts: &[Expr]) -> Option<Ranked> {
    let narrowest = |part: &Expr| each(part).into_iter().min_by_key(|(rank, _)| *rank);
    let all: Option<Vec<Ranked>> = parts.iter().map(narrowest).collect();
    let (ranks, sources): (Vec<u8>, Vec<Source>) = all?.into_iter().unzip();
    Some((ranks.into_iter().max()? + 1, Source::Union(sources)))
}
