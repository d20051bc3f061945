//! The exact test on a candidate's head row: reach, snapshot, and what of the expression tree is not proven yet.

use std::borrow::Cow;

use access::Access;
use canonical_model::ResourceType;
use chrono::{DateTime, Utc};
use search::Hasher;
use search::expr::Expr;
use sqlx::{Postgres, QueryBuilder};

use super::links::{push_chain, push_has, push_list};
use super::source::conjuncts;
use super::{Remembered, own, reach};
use crate::Store;
use crate::limits::PROBED_ENTRIES_MAX;
use crate::reach::Reach;

pub(crate) type Sql = QueryBuilder<Postgres>;

/// What lowering an expression needs to know beside it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lowering<'a> {
    pub(super) access: &'a Access,
    pub(super) hasher: &'a Hasher,
    /// Index entries that may be counted of a source.
    pub(super) probed: i64,
    /// What was counted before; none inside a transaction.
    pub(super) remembered: Option<&'a Remembered>,
    /// How many links of a chain lead here: it tells the names of rows apart.
    pub(super) depth: usize,
    /// Versions up to then lie before any walk.
    pub(super) era: Option<DateTime<Utc>>,
}

impl<'a> Lowering<'a> {
    pub(super) fn of(store: &'a Store, access: &'a Access) -> Self {
        Self {
            access,
            hasher: store.hasher(),
            probed: store.probed_entries,
            remembered: Some(&store.remembered),
            depth: 0,
            era: store.era,
        }
    }

    /// As a transaction searches.
    pub(super) fn inside(access: &'a Access, hasher: &'a Hasher) -> Self {
        Self { access, hasher, probed: PROBED_ENTRIES_MAX, remembered: None, depth: 0, era: None }
    }

    /// The name of a head at this depth.
    pub(super) fn head(self) -> String {
        match self.depth {
            0 => "r".to_owned(),
            depth => format!("r{depth}"),
        }
    }

    /// The name of a candidate at this depth.
    pub(super) fn candidate(self) -> String {
        match self.depth {
            0 => "d".to_owned(),
            depth => format!("d{depth}"),
        }
    }

    pub(super) fn deeper(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }
}

/// Pushes what must hold of a head: it lives, is of the type and within reach, and passes. The reach is
/// part of it: before LIMIT and count.
pub(super) fn push_where(sql: &mut Sql, lowering: Lowering<'_>, kind: ResourceType, filter: &Expr) {
    let r = lowering.head();
    sql.push(format!(" where {r}.method <> 2 and {r}.type = ")).push_bind(kind.number());
    reach::push_beside(sql, &r, &Reach::of(lowering.access, kind, lowering.hasher), filter);
    if *filter != Expr::And(Vec::new()) {
        sql.push(" and ");
        push(sql, lowering, filter);
    }
}

/// Versions committed since a walk began are passed over.
pub(super) fn push_snapshot(sql: &mut Sql, lowering: Lowering<'_>, snapshot: &str) {
    sql.push(" and (");
    if let Some(era) = lowering.era {
        sql.push("r.last_updated <= ").push_bind(era).push(" or ");
    }
    sql.push("pg_visible_in_snapshot(r.xid, ")
        .push_bind(snapshot.to_owned())
        .push("::pg_snapshot))");
}

/// What is left to test of a filter where some of its conjuncts are known to hold.
pub(super) fn unproven(filter: &Expr, is_proven: impl Fn(&Expr) -> bool) -> Cow<'_, Expr> {
    let parts = conjuncts(filter);
    match parts.iter().any(|part| is_proven(part)) {
        true => {
            let rest = parts.into_iter().filter(|part| !is_proven(part));
            Cow::Owned(Expr::And(rest.cloned().collect()))
        }
        false => Cow::Borrowed(filter),
    }
}

fn push(sql: &mut Sql, lowering: Lowering<'_>, expr: &Expr) {
    let r = lowering.head();
    own::push(sql, &r, expr, &|sql, link| match link {
        Expr::Chain(link) => push_chain(sql, lowering, link),
        Expr::Has(link) => push_has(sql, lowering, link),
        Expr::Listed { list, item } => {
            // The list must be within reach too.
            sql.push(format!("({r}.id_hash # ")).push_bind(item.0);
            sql.push(" = any (array(select unnest(l.keys) from resource l");
            push_list(sql, lowering, *list);
            sql.push(")))");
        }
        // Nothing else leads away from a head.
        _ => {
            sql.push("null::boolean");
        }
    });
}
