//! Resources that join an answer because matches refer to them, or they to matches.

use access::{Access, Filter};
use canonical_model::{ResourceType, Result};
use search::Hasher;
use search::query::Include;
use sqlx::{Postgres, QueryBuilder};

use super::filter::Sql;
use super::{COLUMNS, Found, budget, prepared};
use crate::Store;

impl Store {
    /// What one include adds to these resources, but those that are known already, and no more than
    /// `most`; also whether their size cut them short.
    ///
    /// # Errors
    /// Unavailable, also beyond the time budget, or Internal.
    pub async fn included(
        &self,
        access: &Access,
        include: &Include,
        from: &[Found],
        known: &[i64],
        most: usize,
    ) -> Result<(Vec<Found>, bool)> {
        let ends = |found: &&Found| include.reverse || found.resource.kind == include.source;
        let from: Vec<&Found> = from.iter().filter(ends).collect();
        if from.is_empty() {
            return Ok((Vec::new(), false));
        }
        let mut sql = if include.reverse {
            let hasher = self.hasher();
            let identity = |f: &&Found| hasher.identity(f.resource.kind, &f.resource.id);
            let wanted =
                |f: &&&Found| include.target.is_none_or(|target| f.resource.kind == target);
            backward(include, from.iter().filter(wanted).map(identity).collect())
        } else {
            forward(include, from.iter().map(|found| found.rid).collect())
        };
        push_reach(&mut sql, access, self.hasher());
        sql.push(" and not r.rid = any(").push_bind(known.to_vec()).push(") order by r.rid limit ");
        sql.push_bind(i64::try_from(most).unwrap_or(i64::MAX));
        let _turn = self.turn_to_search().await?;
        let (rows, cut) =
            self.searching.fetch_page(prepared(&mut sql)).await.map_err(budget::told)?;
        let found = rows.iter().map(|row| Found::of(row, &self.sealer));
        Ok((found.collect::<Result<_>>()?, cut))
    }
}

fn select() -> Sql {
    QueryBuilder::<Postgres>::new(format!("select {COLUMNS} from (select distinct x.rid from "))
}

const HEADS: &str = " offset 0) d cross join lateral (select * from resource x where x.rid = d.rid offset 0) r where r.method <> 2";

/// Every key of a resource is tried as each of the references: those that are none lead nowhere.
fn forward(include: &Include, rids: Vec<i64>) -> Sql {
    let mut sql = select();
    sql.push("resource s cross join lateral unnest(s.keys) k (key) cross join unnest(")
        .push_bind(params(include))
        .push("::bigint[]) p (param) cross join lateral (select x.rid from resource x where x.id_hash = k.key # p.param offset 0) x where s.rid = any(")
        .push_bind(rids)
        .push(")")
        .push(HEADS);
    if let Some(target) = include.target {
        sql.push(" and r.type = ").push_bind(target.number());
    }
    sql
}

fn backward(include: &Include, identities: Vec<i64>) -> Sql {
    let mut sql = select();
    sql.push("unnest(")
        .push_bind(identities)
        .push("::bigint[]) i (id_hash) cross join unnest(")
        .push_bind(params(include))
        .push("::bigint[]) p (param) cross join lateral (select t.rid from token_index t where t.key = i.id_hash # p.param offset 0) x")
        .push(HEADS)
        .push(" and r.type = ")
        .push_bind(include.source.number());
    sql
}

fn params(include: &Include) -> Vec<i64> {
    include.params.iter().map(|param| param.0).collect()
}

/// What the caller may reach, of whatever type.
fn push_reach(sql: &mut Sql, access: &Access, hasher: &Hasher) {
    let clauses = match access.filter() {
        Filter::Everything => return,
        Filter::Nothing => &[],
        Filter::AnyOf(clauses) => clauses.as_slice(),
    };
    sql.push(" and (false");
    for clause in clauses {
        let types = ResourceType::all().filter(|kind| clause.types.contains(*kind));
        let types: Vec<i16> = types.map(ResourceType::number).collect();
        sql.push(" or (r.type = any(").push_bind(types).push(")");
        if let Some(patients) = &clause.patients {
            let identity = |id: &canonical_model::ResourceId| {
                hasher.identity(ResourceType::PATIENT, id.as_str())
            };
            let owners: Vec<i64> = patients.iter().map(identity).collect();
            sql.push(" and r.patients && ").push_bind(owners);
        }
        sql.push(")");
    }
    sql.push(")");
}
