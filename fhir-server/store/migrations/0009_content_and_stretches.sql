-- Content too large for a row, in chunks that are written and read one by one. A version's `wire` names it.

-- A chunk is part of one upload; `used` is set by the transaction that commits a version with it. So the
-- sweep of what no version came to need looks at a small index only, and meets a commit in progress in
-- this row: whoever is second sees what the first did. What was used once is kept: its version is.
create table blob (
    blob    bigint generated always as identity primary key,
    made_at timestamptz not null default now(),
    used    boolean not null default false
);
create index blob_unused on blob (made_at) where not used;

-- Not compressed: nearly all of it is compressed already.
create table blob_chunk (
    blob  bigint not null references blob on delete cascade,
    seq   integer not null, -- from 0; all but the last have one size
    bytes bytea not null,
    primary key (blob, seq)
);
alter table blob_chunk alter column bytes set storage external;

-- Chunks never change, and go only with their blob.
grant select, insert, delete on blob to carebridge_app;
grant update (used) on blob to carebridge_app;
grant select, insert on blob_chunk to carebridge_app;

-- Keeps what proves the key of sealed values, the first that is proposed, and tells it.
create function keep_seal_proof(proposed bytea) returns bytea language plpgsql
security definer set search_path = public as $$
begin
    insert into setting (name, value) values ('seal_proof', proposed) on conflict do nothing;
    return (select value from setting where name = 'seal_proof');
end
$$;
revoke execute on function keep_seal_proof from public;
grant execute on function keep_seal_proof to carebridge_app;

-- Plain numbers begin and end at one value; ranges and quantities with a comparator are found by their end
-- too.
create index number_index_stretch on number_index (param, hi, rid) include (lo) where hi > lo;

-- With which form of the index heads are indexed. A server whose form is newer writes the heads anew from
-- the lowest number up: `reached` of `last` have it. Heads of before this table have the first form.
create table index_state (
    one     boolean primary key default true check (one),
    form    smallint not null,
    reached bigint not null default 0,
    last    bigint not null default 0
);
insert into index_state (form) values (1);
grant select, update on index_state to carebridge_app;
