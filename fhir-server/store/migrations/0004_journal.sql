-- Append-only journals, partitioned by month and dropped whole when their time is over.

-- Superseded versions; the current one is in `resource`. Partitioned by when it was superseded.
create table history (
    rid          bigint not null,
    id_hash      bigint not null,
    last_updated timestamptz not null,
    archived_at  timestamptz not null, -- last_updated of the version that took its place
    xid          xid8 not null,
    version      integer not null,
    type         smallint not null,
    site         smallint not null,
    method       smallint not null,
    id           text collate "C" not null,
    patients     bigint[] not null,
    wire         bytea
) partition by range (archived_at);
create index history_version on history (rid, version);
create index history_recent on history (type, last_updated, rid, version);

-- One row per committed version, written with it. Names it; carries no PHI.
create table outbox (
    event_id   bigint generated always as identity,
    created_at timestamptz not null default now(),
    xid        xid8 not null default pg_current_xact_id(),
    rid        bigint not null,
    version    integer not null,
    type       smallint not null,
    site       smallint not null,
    method     smallint not null,
    id         text collate "C" not null,
    patients   bigint[] not null -- whose order it keeps
) partition by range (created_at);
create index outbox_event on outbox (event_id);

-- One row per access, granted or refused. Writes add theirs in their own transaction; reads in a
-- group commit before the answer leaves. Insert only, for every role but the owner.
create table audit (
    audit_id   bigint generated always as identity,
    at         timestamptz not null,
    request_id text not null,
    action     smallint not null, -- 0 create, 1 read, 2 update, 3 delete, 4 search, 5 operation
    status     smallint not null, -- of the HTTP answer
    type       smallint, -- null: system level
    version    integer,
    id         text collate "C", -- null: type level
    client     text not null,
    subject    text,
    token_id   text not null,
    detail     text -- a search's query. This journal is PHI.
) partition by range (at);
create index audit_at on audit using brin (at);

-- Raw inbound messages, durable before anything else is done with them.
create table inbox (
    received_at timestamptz not null default now(),
    site        smallint not null,
    control_id  text not null,
    digest      bytea not null,
    raw         bytea not null
) partition by range (received_at);

-- Makes each journal's partitions up to `until`. Safe to repeat and to run from several at once.
create function ensure_partitions(until timestamptz) returns void language plpgsql
security definer set search_path = public set client_min_messages = warning as $$
declare
    journal text;
    month   timestamptz;
begin
    perform pg_advisory_xact_lock(hashtextextended('ensure_partitions', 0));
    foreach journal in array array['history', 'outbox', 'audit', 'inbox'] loop
        month := date_trunc('month', now(), 'UTC');
        while month <= until loop
            execute format(
                'create table if not exists %I partition of %I for values from (%L) to (%L)',
                journal || to_char(month at time zone 'UTC', '_YYYY_MM'), journal,
                month, month + interval '1 month');
            month := month + interval '1 month';
        end loop;
    end loop;
end
$$;

-- A clock that runs back lands here rather than failing a write.
create table history_default partition of history default;
create table outbox_default partition of outbox default;
create table audit_default partition of audit default;
create table inbox_default partition of inbox default;

select ensure_partitions(now() + interval '3 months');

grant select, insert on history, outbox to carebridge_app;
grant insert on audit to carebridge_app, carebridge_audit;
grant select, insert on inbox to carebridge_app;
grant execute on function ensure_partitions to carebridge_app;
