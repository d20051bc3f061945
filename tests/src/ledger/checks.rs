//! What must hold in the database whoever wrote and whatever was killed. Each query counts the rows
//! that break a rule.

use anyhow::Result;
use sqlx::PgConnection;

/// An audit record of a write that took place: created, updated, created by an update, deleted.
pub(super) const WROTE: &str =
    "version is not null and (action, status) in ((0, 201), (2, 200), (2, 201), (3, 204))";

/// Every version there is.
const VERSIONS: &str = "with v as (
    select rid, id_hash, type, site, id, version, method, last_updated, xid, patients, wire,
        null::timestamptz as archived_at from resource
    union all
    select rid, id_hash, type, site, id, version, method, last_updated, xid, patients, wire,
        archived_at from history)";

const RULES: &[(&str, &str)] = &[
    (
        "versions count from 1 without a gap, each once",
        "select count(*) from (select from v group by rid
            having min(version) <> 1 or max(version) <> count(*)
                or count(distinct version) <> count(*)) x",
    ),
    (
        "the head is the newest version of its own history",
        "select count(*) from history h where not exists (select from resource r
            where r.rid = h.rid and r.id_hash = h.id_hash and r.type = h.type and r.id = h.id
                and r.version > h.version)",
    ),
    (
        "a version is archived when the next one begins, and is later than the one before",
        "select count(*) from v one join v next on next.rid = one.rid
            and next.version = one.version + 1
            where one.archived_at is distinct from next.last_updated
                or one.last_updated >= next.last_updated",
    ),
    (
        "every version has one event in its own transaction, and no event lacks its version",
        "select count(*) from (
            (select rid, version, type, site, method, id, patients, xid from v
             except all select rid, version, type, site, method, id, patients, xid from outbox)
            union all
            (select rid, version, type, site, method, id, patients, xid from outbox
             except all select rid, version, type, site, method, id, patients, xid from v)) x",
    ),
    (
        "every version has its audit record, and no record of a write lacks its version",
        "select count(*) from (
            (select type, id, version from v except select type, id, version from w)
            union all
            (select type, id, version from w except select type, id, version from v)) x",
    ),
    (
        "a version is recorded once, but for repetitions of its request",
        "select count(*) from (select from w where request_id not like 'retry.%'
            group by type, id, version having count(*) > 1) x",
    ),
    (
        "the text that is served holds its own version, and is the content that SQL sees",
        "select count(*) from (
            select from v where (wire is null) <> (method = 2) or (wire is not null and
                convert_from(substr(wire, 2), 'UTF8')::jsonb #>> '{meta,versionId}'
                    is distinct from version::text)
            union all
            select from resource where content is distinct from
                convert_from(substr(wire, 2), 'UTF8')::jsonb) x",
    ),
    (
        "a deleted resource is found by nothing",
        "select count(*) from resource where method = 2 and (cardinality(keys)
            + cardinality(facets) + cardinality(string_param) + cardinality(date_param)
            + cardinality(number_param) + cardinality(timeline_key) > 0)",
    ),
    (
        "token_index is the heads' keys that are on no timeline",
        "select count(*) from (
            (select k.key, r.rid from resource r, unnest(r.keys) k (key)
                where k.key <> all (r.timeline_key)
             except all select key, rid from token_index)
            union all
            (select key, rid from token_index
             except all select k.key, r.rid from resource r, unnest(r.keys) k (key)
                where k.key <> all (r.timeline_key))) x",
    ),
    (
        "timeline_index is the heads' timelines, by patient",
        "select count(*) from (
            (select p.patient, t.key, t.at, r.rid from resource r,
                unnest(case when r.patients = '{}' then '{0}' else r.patients end) p (patient),
                unnest(r.timeline_key, r.timeline_at) t (key, at)
             except all select patient, key, at, rid from timeline_index)
            union all
            (select patient, key, at, rid from timeline_index except all
             select p.patient, t.key, t.at, r.rid from resource r,
                unnest(case when r.patients = '{}' then '{0}' else r.patients end) p (patient),
                unnest(r.timeline_key, r.timeline_at) t (key, at))) x",
    ),
    (
        "a kept reply speaks only of versions that are there",
        "select count(*) from idempotency i, jsonb_array_elements(i.reply) e
            where e.value ? 'id' and not exists (select from v
                where v.id = e.value ->> 'id' and v.version = (e.value ->> 'version')::int)",
    ),
];

/// The rules that are broken, with how many rows break each.
pub(super) async fn broken(connection: &mut PgConnection) -> Result<Vec<String>> {
    let mut broken = Vec::new();
    for (rule, query) in RULES {
        let query = sqlx::AssertSqlSafe(format!(
            "{VERSIONS}, w as (select * from audit where {WROTE}) {query}"
        ));
        let rows: i64 = sqlx::query_scalar(query).fetch_one(&mut *connection).await?;
        if rows > 0 {
            broken.push(format!("{rows} times it does not hold that {rule}"));
        }
    }
    Ok(broken)
}

/// Compares every B-tree with its table; false where PostgreSQL's checker is not installed.
pub(super) async fn indexes_are_sound(connection: &mut PgConnection) -> Result<bool> {
    const INSTALLED: &str =
        "select exists (select from pg_available_extensions where name = 'amcheck')";
    const CHECK: &str = "select count(bt_index_check(i.indexrelid, true)::text) from pg_index i
        join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
        join pg_namespace n on n.oid = c.relnamespace
        where a.amname = 'btree' and c.relkind = 'i' and n.nspname = 'public'";
    if !sqlx::query_scalar::<_, bool>(INSTALLED).fetch_one(&mut *connection).await? {
        return Ok(false);
    }
    sqlx::query("create extension if not exists amcheck").execute(&mut *connection).await?;
    sqlx::query(CHECK).execute(&mut *connection).await?;
    Ok(true)
}
