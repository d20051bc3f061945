-- What makes conditional creates and retried requests happen once.

-- One row per criteria of a conditional create. Two that run at once meet in its key: the second
-- waits, then writes nothing and searches again. Old rows are swept; they only ever cost a search.
create table claim (
    criteria bigint primary key,
    used_at  timestamptz not null default now()
);

-- One row per `Idempotency-Key` of a client. The reply is kept as references, never as bodies.
create table idempotency (
    client     text not null,
    key        text not null,
    created_at timestamptz not null default now(),
    request    bytea not null, -- SHA-256: the same key with another request is refused
    reply      jsonb not null, -- [{"status":201,"type":17,"id":"…","version":1}]
    primary key (client, key)
);
create index idempotency_age on idempotency (created_at);
create index claim_age on claim (used_at);

grant select, insert, update, delete on claim, idempotency to carebridge_app;
