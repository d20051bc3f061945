//! Resources that join an answer because matches refer to them, or they to matches.

use access::{Access, Filter};
use canonical_model::{ResourceType, Result};
use search::query::Include;
use search::{Hasher, label_keys};
use sqlx::{Postgres, QueryBuilder};

use super::consent::push_denials;
use super::filter::Sql;
use super::{COLUMNS, Found, budget, prepared, reach};
use crate::Store;
use crate::consent::Denials;
use crate::reach::Reach;

impl Store {
    /// What includes add to these resources, but those that are known already, and no more than `most`;
    /// also whether their size cut them short. One round trip, however many includes there are.
    ///
    /// # Errors
    /// Unavailable, also beyond the time budget, or Internal.
    pub async fn included(
        &self,
        access: &Access,
        includes: &[&Include],
        from: &[Found],
        known: &[i64],
        most: usize,
    ) -> Result<(Vec<Found>, bool)> {
        let forward = References::of(includes.iter().filter(|include| !include.reverse));
        let backward = References::of(includes.iter().filter(|include| include.reverse));
        let mut sql = QueryBuilder::<Postgres>::new(format!(
            "select {COLUMNS} from (select x.rid, array_agg(x.type) from ("
        ));
        push_forward(&mut sql, forward, from);
        sql.push(" union all ");
        push_backward(&mut sql, backward, from, self.hasher());
        sql.push(HEADS);
        push_reach(&mut sql, access, self.hasher());
        sql.push(" and not r.rid = any(").push_bind(known.to_vec()).push(") order by r.rid limit ");
        sql.push_bind(i64::try_from(most).unwrap_or(i64::MAX));
        let _turn = self.turn_to_search(access).await?;
        let (rows, cut) =
            self.searching.fetch_page(prepared(&mut sql)).await.map_err(budget::told)?;
        let found = rows.iter().map(|row| Found::of(row, &self.sealer));
        Ok((found.collect::<Result<_>>()?, cut))
    }
}

/// References of several types, a row each.
#[derive(Default)]
struct References {
    params: Vec<i64>,
    /// The types that refer.
    sources: Vec<i16>,
    /// The types that are referred to; none for any.
    targets: Vec<Option<i16>>,
}

impl References {
    fn of<'a>(includes: impl Iterator<Item = &'a &'a Include>) -> Self {
        let mut all = Self::default();
        for include in includes {
            for param in &include.params {
                all.params.push(param.0);
                all.sources.push(include.source.number());
                all.targets.push(include.target.map(ResourceType::number));
            }
        }
        all
    }

    /// Pushes them as `p`.
    fn push(self, sql: &mut Sql) {
        sql.push("unnest(").push_bind(self.params).push("::bigint[], ");
        sql.push_bind(self.sources).push("::smallint[], ");
        sql.push_bind(self.targets).push("::smallint[]) p (param, source, target)");
    }
}

/// The heads of what was found, where they are of a type that one of the references is of or leads to. Each
/// comes once, by however many of the references.
const HEADS: &str = ") x (rid, type) group by x.rid offset 0) d (rid, types) cross join lateral (select * from resource x where x.rid = d.rid offset 0) r where r.method <> 2 and (r.type = any(d.types) or array_position(d.types, null) is not null)";

/// Every key of a resource is tried as each of its references: those that are none lead nowhere.
fn push_forward(sql: &mut Sql, references: References, from: &[Found]) {
    let sources = &references.sources;
    let of_source = |found: &&Found| sources.contains(&found.resource.kind.number());
    let rids: Vec<i64> = from.iter().filter(of_source).map(|found| found.rid).collect();
    sql.push("select x.rid, p.target from resource s cross join ");
    references.push(sql);
    sql.push(" cross join lateral unnest(s.keys) k (key) cross join lateral (select x.rid from resource x where x.id_hash = k.key # p.param offset 0) x where p.source = s.type and s.rid = any(")
        .push_bind(rids)
        .push(")");
}

fn push_backward(sql: &mut Sql, references: References, from: &[Found], hasher: &Hasher) {
    let identity = |found: &Found| hasher.identity(found.resource.kind, &found.resource.id);
    let (identities, types): (Vec<i64>, Vec<i16>) =
        from.iter().map(|found| (identity(found), found.resource.kind.number())).unzip();
    sql.push("select x.rid, p.source from unnest(")
        .push_bind(identities)
        .push("::bigint[], ")
        .push_bind(types)
        .push("::smallint[]) i (id_hash, type) cross join ");
    references.push(sql);
    sql.push(" cross join lateral (select t.rid from token_index t where t.key = i.id_hash # p.param offset 0) x where p.target is null or p.target = i.type");
}

/// What the caller may reach, of whatever type.
fn push_reach(sql: &mut Sql, access: &Access, hasher: &Hasher) {
    push_labels(sql, access, hasher);
    // Nothing of it is of one type: nobody changes what an include adds.
    if let Some(denials) = Denials::of(access, ResourceType::PATIENT, hasher) {
        push_denials(sql, "r", &denials);
    }
    if *access.filter() == Filter::Everything {
        return;
    }
    let (mut whole, mut some) = (Vec::new(), Vec::new());
    for kind in ResourceType::all() {
        match Reach::bounded(access, kind, hasher) {
            Reach::Nothing => {}
            Reach::Everything => whole.push(kind.number()),
            reach => some.push((kind.number(), reach)),
        }
    }
    sql.push(" and (r.type = any(").push_bind(whole).push(")");
    push_each(sql, some);
    sql.push(")");
}

/// That no label withholds it: the keys of labels are each type's own.
fn push_labels(sql: &mut Sql, access: &Access, hasher: &Hasher) {
    if access.withheld().is_empty() {
        return;
    }
    let keys = |kind: ResourceType| {
        let keys = label_keys(hasher, kind, access.withheld().codes());
        format!("{{{}}}", keys.map(|key| key.to_string()).collect::<Vec<_>>().join(","))
    };
    let (types, keys): (Vec<i16>, Vec<String>) =
        ResourceType::all().map(|kind| (kind.number(), keys(kind))).unzip();
    sql.push(" and not exists (select from unnest(").push_bind(types).push("::smallint[], ");
    sql.push_bind(keys)
        .push("::text[]) l (type, keys) where l.type = r.type and l.keys::bigint[] && r.keys)");
}

/// Types that are reached alike are tested alike.
fn push_each(sql: &mut Sql, mut some: Vec<(i16, Reach)>) {
    while let Some((kind, reach)) = some.pop() {
        let mut kinds = vec![kind];
        some.retain(|(kind, other)| {
            let alike = *other == reach;
            kinds.extend(alike.then_some(*kind));
            !alike
        });
        sql.push(" or (r.type = any(").push_bind(kinds).push(")");
        reach::push(sql, "r", &reach);
        sql.push(")");
    }
}
