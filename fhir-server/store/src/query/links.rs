//! What leads from one resource to another: references forth and back, and lists.

use canonical_model::ResourceType;
use search::expr::Link;

use super::filter::{Lowering, Sql, push_where};
use super::reach;
use crate::reach::Reach;

/// A resource that it refers to: every key is tried as a reference, for the others lead nowhere.
pub(super) fn push_chain(sql: &mut Sql, lowering: Lowering<'_>, link: &Link) {
    let (r, deeper) = (lowering.head(), lowering.deeper());
    let c = deeper.head();
    sql.push(format!("exists (select from unnest({r}.keys) k (key) cross join lateral (select * from resource x where x.id_hash = k.key # "))
        .push_bind(link.param.0)
        .push(format!(" offset 0) {c}"));
    push_where(sql, deeper, link.kind, &link.filter);
    sql.push(")");
}

/// A resource that refers to it. A patient's are found along the timeline where one is asked for.
pub(super) fn push_has(sql: &mut Sql, lowering: Lowering<'_>, link: &Link) {
    let (r, deeper) = (lowering.head(), lowering.deeper());
    let (c, d) = (deeper.head(), deeper.candidate());
    sql.push("exists (select from (");
    match link.timed().filter(|_| link.compartment) {
        Some(key) => {
            sql.push(format!(
                "select t.rid from timeline_index t where t.patient = {r}.id_hash and t.key = "
            ))
            .push_bind(key);
        }
        None => {
            sql.push(format!("select t.rid from token_index t where t.key = {r}.id_hash # "))
                .push_bind(link.param.0);
        }
    }
    sql.push(format!(" offset 0) {d} cross join lateral (select * from resource x where x.rid = {d}.rid offset 0) {c}"));
    push_where(sql, deeper, link.kind, &link.filter);
    sql.push(format!(" and {r}.id_hash # ")).push_bind(link.param.0);
    sql.push(format!(" = any ({c}.keys))"));
}

/// `where` for a List's head, as `l`.
pub(super) fn push_list(sql: &mut Sql, lowering: Lowering<'_>, list: i64) {
    sql.push(" where l.method <> 2 and l.id_hash = ").push_bind(list);
    let kind = ResourceType::find("List");
    let reach = kind.map(|kind| Reach::of(lowering.access, kind, lowering.hasher));
    reach::push(sql, "l", &reach.unwrap_or(Reach::Nothing));
}
