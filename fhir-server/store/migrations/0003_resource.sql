-- The head: one row per resource, its current version. A deleted resource keeps its row, without
-- content, so that its versions go on counting.
--
-- `content` is the resource for people and SQL; `wire` is the text that clients get (JSONB changes
-- key order and exponents). The arrays are the forward index: all search values of this version.
-- The `*_index` tables below hold the same values inverted; any filter can be checked here, any
-- update can be diffed here, and no inverted row needs an index of its own on `rid`.
create sequence resource_rid;

create table resource (
    rid          bigint not null,
    id_hash      bigint not null, -- of type and id: what references point to, whether it exists or not
    last_updated timestamptz not null,
    xid          xid8 not null default pg_current_xact_id(), -- places the version among commits
    digest       bigint not null, -- of the content without versionId and lastUpdated: finds no-op updates
    version      integer not null,
    type         smallint not null,
    site         smallint not null default 0,
    method       smallint not null, -- 0 create, 1 update, 2 delete
    id           text collate "C" not null,
    patients     bigint[] not null, -- id_hash of each patient in whose compartment it is
    keys         bigint[] not null, -- tokens, references, uris: hash of parameter and value
    facets       integer[] not null, -- like keys, but only ever filtered on: system|code, presence
    string_param bigint[] not null,
    string_value text[] collate "C" not null,
    date_param   bigint[] not null,
    date_lo      bigint[] not null, -- microseconds since 1970, UTC
    date_hi      bigint[] not null, -- exclusive
    number_param bigint[] not null,
    number_lo    float8[] not null,
    number_hi    float8[] not null,
    timeline_key bigint[] not null,
    timeline_at  bigint[] not null,
    content      jsonb, -- null when deleted
    wire         bytea  -- null when deleted; the first byte names the format
);

-- Up to 4 kB stay in the row uncompressed: a read is one page, a write is one tuple.
alter table resource set (toast_tuple_target = 4080, autovacuum_vacuum_scale_factor = 0.05);
alter table resource alter column content set compression lz4;
alter table resource alter column wire set compression lz4;

alter table resource add constraint resource_pkey primary key (rid);
alter table resource add constraint resource_id_hash_key unique (id_hash);
create index resource_recent on resource (type, last_updated, rid);

-- One row per distinct key of a resource. The order of `rid` is the order of a page walk.
create table token_index (
    key bigint not null,
    rid bigint not null
);
create index token_index_key on token_index (key, rid);

-- Strings folded for comparison (case, accents, white space). C collation: prefixes are ranges.
create table string_index (
    param bigint not null,
    rid   bigint not null,
    value text collate "C" not null
);
create index string_index_value on string_index (param, value, rid);

create table date_index (
    param bigint not null,
    lo    bigint not null,
    hi    bigint not null,
    rid   bigint not null
);
create index date_index_lo on date_index (param, lo, rid) include (hi);
create index date_index_hi on date_index (param, hi, rid) include (lo);

create table number_index (
    param bigint not null,
    lo    float8 not null,
    hi    float8 not null,
    rid   bigint not null
);
create index number_index_lo on number_index (param, lo, rid) include (hi);

-- What clinicians ask most: one patient's values of one code, newest first; one code over a month.
-- `key` is a key of token_index; `patient` an id_hash (0 where there is none).
create table timeline_index (
    patient bigint not null,
    key     bigint not null,
    at      bigint not null,
    rid     bigint not null
);
create index timeline_index_patient on timeline_index (patient, key, at, rid);
create index timeline_index_key on timeline_index (key, at, rid);

grant select, insert, update, delete on
    resource, token_index, string_index, date_index, number_index, timeline_index
    to carebridge_app;
grant usage on sequence resource_rid to carebridge_app;
