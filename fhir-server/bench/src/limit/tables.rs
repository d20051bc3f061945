//! All of the bare program's SQL. The content is bytes, which PostgreSQL neither parses nor prints.

use sqlx::{PgPool, Row as _};

/// Keys on rid and (type, id), and nothing else.
const TABLES: &str = "
create table if not exists head (
    rid          bigint generated always as identity primary key,
    type         text not null,
    id           text not null,
    version      integer not null,
    last_updated timestamptz not null,
    content      bytea not null,
    unique (type, id)
);
create table if not exists version (
    rid          bigint not null,
    version      integer not null,
    last_updated timestamptz not null,
    content      bytea not null,
    primary key (rid, version)
)";

/// What reads of a row return: version and content.
pub(super) type Current = Option<(i32, Vec<u8>)>;

pub(super) async fn create(database: &PgPool) -> sqlx::Result<()> {
    sqlx::raw_sql(TABLES).execute(database).await.map(|_| ())
}

pub(super) async fn select(database: &PgPool, kind: &str, id: &str) -> sqlx::Result<Current> {
    sqlx::query_as("select version, content from head where type = $1 and id = $2")
        .bind(kind)
        .bind(id)
        .fetch_optional(database)
        .await
}

pub(super) async fn insert(
    database: &PgPool,
    kind: &str,
    id: &str,
    content: &[u8],
) -> sqlx::Result<()> {
    let sql = "
        with h as (
            insert into head (type, id, version, last_updated, content)
            values ($1, $2, 1, now(), $3) returning rid, last_updated)
        insert into version select rid, 1, last_updated, $3 from h";
    sqlx::query(sql).bind(kind).bind(id).bind(content).execute(database).await.map(|_| ())
}

/// Inserts unless the key is taken; tells whether it did.
pub(super) async fn insert_if_absent(
    database: &PgPool,
    kind: &str,
    id: &str,
    content: &[u8],
) -> sqlx::Result<bool> {
    let sql = "
        with h as (
            insert into head (type, id, version, last_updated, content)
            values ($1, $2, 1, now(), $3) on conflict (type, id) do nothing
            returning rid, last_updated)
        insert into version select rid, 1, last_updated, $3 from h";
    let done = sqlx::query(sql).bind(kind).bind(id).bind(content).execute(database).await?;
    Ok(done.rows_affected() == 1)
}

/// Replaces the content if `version` is the current one; tells the new version.
pub(super) async fn update(
    database: &PgPool,
    kind: &str,
    id: &str,
    version: i32,
    content: &[u8],
) -> sqlx::Result<Option<i32>> {
    let sql = "
        with h as (
            update head set version = version + 1, last_updated = now(), content = $4
            where type = $1 and id = $2 and version = $3 returning rid, version, last_updated)
        insert into version select rid, version, last_updated, $4 from h returning version";
    let query = sqlx::query(sql).bind(kind).bind(id).bind(version).bind(content);
    query.fetch_optional(database).await?.map(|row| row.try_get(0)).transpose()
}

pub(super) async fn insert_all(
    database: &PgPool,
    kinds: &[&str],
    ids: &[String],
    contents: &[&[u8]],
) -> sqlx::Result<()> {
    let sql = "
        with h as (
            insert into head (type, id, version, last_updated, content)
            select type, id, 1, now(), content
            from unnest($1::text[], $2::text[], $3::bytea[]) as entry (type, id, content)
            returning rid, last_updated, content)
        insert into version select rid, 1, last_updated, content from h";
    sqlx::query(sql).bind(kinds).bind(ids).bind(contents).execute(database).await.map(|_| ())
}
