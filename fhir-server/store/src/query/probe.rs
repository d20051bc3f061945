//! How much there is of a source, counted in its index up to a bound: what a search would read to begin
//! there. Links are followed without any test, for a test would cost what the search itself does.

use canonical_model::{Error, Result};
use sqlx::{PgConnection, Row};

use super::filter::{Lowering, Sql};
use super::prepared;
use super::source::Source;
use crate::error::StoreError;
use crate::limits::PROBED_PATHS_MAX;

/// What was counted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Size {
    /// Entries, each weighed by what it costs to go on from it.
    Small(i64),
    /// Few resources at the other ends, of the weight given, to which more refer than are counted.
    Wide(i64),
    /// Beyond the bound, or not counted.
    Large,
}

impl Size {
    pub(super) fn small(self) -> Option<i64> {
        match self {
            Self::Small(entries) => Some(entries),
            Self::Wide(_) | Self::Large => None,
        }
    }

    /// Of the other ends, where they are few.
    pub(super) fn few(self) -> Option<i64> {
        match self {
            Self::Small(entries) | Self::Wide(entries) => Some(entries),
            Self::Large => None,
        }
    }

    /// Of both together.
    fn and(self, other: Self, most: i64) -> Self {
        let (sum, wide) = match (self, other) {
            (Self::Small(a), Self::Small(b)) => (a + b, false),
            (Self::Small(a) | Self::Wide(a), Self::Small(b) | Self::Wide(b)) => (a + b, true),
            (Self::Large, _) | (_, Self::Large) => return Self::Large,
        };
        match wide {
            _ if sum > most => Self::Large,
            true => Self::Wide(sum),
            false => Self::Small(sum),
        }
    }
}

/// From the other end of the links to this one.
struct Path<'a> {
    leaf: &'a Source,
    steps: Vec<Step>,
}

#[derive(Clone, Copy)]
enum Step {
    /// From what is referred to, to what refers.
    Chain(i64),
    /// From what refers, to what is referred to.
    Has(i64),
}

/// The sizes of some sources, in one round trip; none where there are none.
pub(super) async fn sizes(
    connection: &mut PgConnection,
    lowering: Lowering<'_>,
    sources: &[&Source],
) -> Result<Vec<Size>> {
    let all: Vec<Vec<Path<'_>>> = sources.iter().map(|source| paths(source)).collect();
    let many = all.iter().map(Vec::len).sum::<usize>();
    if many == 0 || many > PROBED_PATHS_MAX {
        return Ok(sources.iter().map(|_| Size::Large).collect());
    }
    let mut sql = Sql::new("select ");
    for (n, path) in all.iter().flatten().enumerate() {
        sql.push(if n > 0 { ", " } else { "" });
        path.push(&mut sql, lowering);
    }
    let row = prepared(&mut sql).fetch_optional(connection).await.map_err(StoreError)?;
    let row = row.ok_or_else(|| Error::internal("a count without a row"))?;
    let mut column = 0;
    let mut counted = |path: &Path<'_>| -> Result<Size> {
        let counts: Vec<i64> = row.try_get(column).map_err(StoreError)?;
        column += 1;
        Ok(path.size(&counts, lowering.probed))
    };
    all.iter()
        .map(|paths| {
            let sizes = paths.iter().map(&mut counted).collect::<Result<Vec<_>>>()?;
            Ok(sizes.into_iter().fold(Size::Small(0), |sum, size| sum.and(size, lowering.probed)))
        })
        .collect()
}

fn paths(source: &Source) -> Vec<Path<'_>> {
    match source {
        Source::Chain(link, inner) => beyond(inner, Step::Chain(link.param.0)),
        Source::Has(link, inner) => beyond(inner, Step::Has(link.param.0)),
        Source::Union(parts) if source.is_linked() => parts.iter().flat_map(paths).collect(),
        leaf => vec![Path { leaf, steps: Vec::new() }],
    }
}

fn beyond(inner: &Source, step: Step) -> Vec<Path<'_>> {
    let mut all = paths(inner);
    all.iter_mut().for_each(|path| path.steps.push(step));
    all
}

impl Path<'_> {
    /// What going on from one entry of a level costs: a head to test, a look for each key of one that
    /// refers, and more where the way does not end there.
    fn weight(&self, level: usize) -> i64 {
        match self.steps.get(level) {
            Some(Step::Has(_)) if level + 1 < self.steps.len() => 64,
            Some(Step::Has(_)) => 16,
            Some(Step::Chain(_)) => 4,
            None => 1,
        }
    }

    fn bound(&self, level: usize, most: i64) -> i64 {
        most / self.weight(level)
    }

    fn size(&self, counts: &[i64], most: i64) -> Size {
        let ends_in_chain = matches!(self.steps.last(), Some(Step::Chain(_)));
        let mut total = 0;
        for (level, count) in counts.iter().enumerate() {
            let before = total;
            total += count * self.weight(level);
            if *count > self.bound(level, most) || total > most {
                let last = level == self.steps.len();
                return if last && ends_in_chain { Size::Wide(before) } else { Size::Large };
            }
        }
        Size::Small(total)
    }

    /// Pushes a select of the counts of all levels, as an array.
    fn push(&self, sql: &mut Sql, lowering: Lowering<'_>) {
        sql.push("(with p0 as materialized (select u.rid from (");
        self.leaf.push(sql, lowering);
        sql.push(format!(") u (rid) limit {})", self.bound(0, lowering.probed) + 1));
        let mut levels = 1;
        for (n, step) in self.steps.iter().enumerate() {
            match step {
                // What a resource refers to is no more than itself: its end needs no count.
                Step::Has(_) if n + 1 == self.steps.len() => break,
                Step::Chain(param) => push_chain(sql, n, *param),
                Step::Has(param) => push_has(sql, n, *param),
            }
            sql.push(format!(" limit {})", self.bound(levels, lowering.probed) + 1));
            levels += 1;
        }
        sql.push(" select array[");
        for level in 0..levels {
            sql.push(if level > 0 { ", " } else { "" });
            sql.push(format!("(select count(*) from p{level})"));
        }
        sql.push("])");
    }
}

fn push_chain(sql: &mut Sql, level: usize, param: i64) {
    sql.push(format!(", p{} as materialized (select t.rid from p{level} p cross join lateral (select x.id_hash from resource x where x.rid = p.rid offset 0) h cross join lateral (select t.rid from token_index t where t.key = h.id_hash # ", level + 1))
        .push_bind(param)
        .push(" offset 0) t");
}

fn push_has(sql: &mut Sql, level: usize, param: i64) {
    sql.push(format!(", p{} as materialized (select t.rid from p{level} p cross join lateral (select x.keys from resource x where x.rid = p.rid offset 0) h cross join lateral unnest(h.keys) k (key) cross join lateral (select x.rid from resource x where x.id_hash = k.key # ", level + 1))
        .push_bind(param)
        .push(" offset 0) t");
}
