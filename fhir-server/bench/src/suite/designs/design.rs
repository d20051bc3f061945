//! The designs' SQL. Each head row carries its keys, so that an update can be diffed and any filter
//! checked there; the designs differ in how a key leads to its rows.

/// How keys lead to rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Design {
    /// Rows of (key, rid) under one btree.
    Inverted,
    /// A GIN index over the head's array.
    Gin { fastupdate: bool },
}

impl Design {
    /// The first is held against the others.
    pub(super) const ALL: [Self; 3] =
        [Self::Inverted, Self::Gin { fastupdate: false }, Self::Gin { fastupdate: true }];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Inverted => "inverted",
            Self::Gin { fastupdate: false } => "gin",
            Self::Gin { fastupdate: true } => "gin-fastupdate",
        }
    }

    pub(super) fn database(self) -> &'static str {
        match self {
            Self::Inverted => "bench_inverted",
            Self::Gin { fastupdate: false } => "bench_gin",
            Self::Gin { fastupdate: true } => "bench_gin_fastupdate",
        }
    }

    /// Statements that make the tables, after [`HEAD`].
    pub(super) fn index(self) -> &'static str {
        match self {
            Self::Inverted => {
                "create table token_index (
                    h bigint not null, rid bigint not null, primary key (h, rid))"
            }
            Self::Gin { fastupdate: false } => {
                "create index head_keys on head using gin (keys) with (fastupdate = off)"
            }
            Self::Gin { fastupdate: true } => {
                "create index head_keys on head using gin (keys) with (fastupdate = on)"
            }
        }
    }

    /// Inserts resources: rids, keys as array literals, contents.
    pub(super) fn insert(self) -> &'static str {
        match self {
            Self::Inverted => {
                "with entry as materialized (
                    select rid, keys::bigint[] as keys, content
                    from unnest($1::bigint[], $2::text[], $3::bytea[]) as e (rid, keys, content)),
                h as (
                    insert into head (rid, keys, content) select rid, keys, content from entry)
                insert into token_index select h, rid from entry, unnest(keys) as k (h)"
            }
            Self::Gin { .. } => {
                "insert into head (rid, keys, content)
                select rid, keys::bigint[], content
                from unnest($1::bigint[], $2::text[], $3::bytea[]) as e (rid, keys, content)"
            }
        }
    }

    /// Replaces a resource: rid, keys, content. Only keys that came or went touch the index.
    pub(super) fn update(self) -> &'static str {
        match self {
            Self::Inverted => {
                "with old as materialized (
                    select keys from head where rid = $1 for update),
                h as (
                    update head set version = version + 1, last_updated = now(), keys = $2,
                        content = $3 where rid = $1),
                gone as (
                    delete from token_index t using old, unnest(old.keys) as k (h)
                    where t.h = k.h and t.rid = $1 and k.h <> all ($2::bigint[]))
                insert into token_index
                select k.h, $1 from old, unnest($2::bigint[]) as k (h)
                where k.h <> all (old.keys)"
            }
            Self::Gin { .. } => {
                "update head set version = version + 1, last_updated = now(), keys = $2,
                    content = $3 where rid = $1"
            }
        }
    }

    /// The newest 20 with one key, or with two of which the first is the rarer. The keys of the page
    /// are found before its rows are fetched: rows are wide.
    pub(super) fn find(self, keys: usize) -> &'static str {
        match (self, keys) {
            (Self::Inverted, 0 | 1) => {
                "with page as materialized (
                    select rid from token_index where h = $1 order by rid desc limit 20)
                select content from page join head using (rid) order by rid desc"
            }
            (Self::Inverted, _) => {
                "with page as materialized (
                    select a.rid from token_index a
                    where a.h = $1
                        and exists (select from token_index b where b.h = $2 and b.rid = a.rid)
                    order by a.rid desc limit 20)
                select content from page join head using (rid) order by rid desc"
            }
            // Without the fence the planner walks the primary key backwards, hoping for hits.
            (Self::Gin { .. }, 0 | 1) => {
                "with hit as materialized (select rid from head where keys @> array[$1]),
                page as materialized (select rid from hit order by rid desc limit 20)
                select content from page join head using (rid) order by rid desc"
            }
            (Self::Gin { .. }, _) => {
                "with hit as materialized (select rid from head where keys @> array[$1, $2]),
                page as materialized (select rid from hit order by rid desc limit 20)
                select content from page join head using (rid) order by rid desc"
            }
        }
    }
}

/// The head of both.
pub(super) const HEAD: &str = "create table head (
    rid          bigint primary key,
    version      integer not null default 1,
    last_updated timestamptz not null default now(),
    keys         bigint[] not null,
    content      bytea not null)";

/// Bytes of the head's rows, and of everything that exists to find them.
pub(super) const SIZES: &str = "select
    pg_table_size('head'),
    pg_indexes_size('head') - pg_relation_size('head_pkey')
        + coalesce(pg_total_relation_size(to_regclass('token_index')), 0)";
