-- Writes new versions of resources in one statement. Each change names the version it replaces: if
-- another write was first, that change is not applied and not returned; the others are.
-- Because the version matched, the row this snapshot sees is the row that was replaced; so the
-- difference between its forward index and the new one is exactly what the inverted index needs.
with
--? once
once as (
    insert into idempotency (client, key, request, reply)
    select ($31::text[])[1], $38, $39, $40 where $38::text is not null
),
--.
c as materialized (
    select
        n.type, n.id, n.id_hash, n.digest, n.content, n.wire, n.method, n.actor, n.expected, n.revives, n.ord,
        ($29::timestamptz[])[n.actor] as at, ($30::int2[])[n.actor] as site,
        ($9::bigint[])[($10::int4[])[n.ord] + 1:($10::int4[])[n.ord + 1]] as keys,
        ($11::int4[])[($12::int4[])[n.ord] + 1:($12::int4[])[n.ord + 1]] as facets,
        ($13::bigint[])[($15::int4[])[n.ord] + 1:($15::int4[])[n.ord + 1]] as string_param,
        ($14::text[])[($15::int4[])[n.ord] + 1:($15::int4[])[n.ord + 1]] as string_value,
        ($16::bigint[])[($19::int4[])[n.ord] + 1:($19::int4[])[n.ord + 1]] as date_param,
        ($17::bigint[])[($19::int4[])[n.ord] + 1:($19::int4[])[n.ord + 1]] as date_lo,
        ($18::bigint[])[($19::int4[])[n.ord] + 1:($19::int4[])[n.ord + 1]] as date_hi,
        ($20::bigint[])[($23::int4[])[n.ord] + 1:($23::int4[])[n.ord + 1]] as number_param,
        ($21::float8[])[($23::int4[])[n.ord] + 1:($23::int4[])[n.ord + 1]] as number_lo,
        ($22::float8[])[($23::int4[])[n.ord] + 1:($23::int4[])[n.ord + 1]] as number_hi,
        ($24::bigint[])[($26::int4[])[n.ord] + 1:($26::int4[])[n.ord + 1]] as timeline_key,
        ($25::bigint[])[($26::int4[])[n.ord] + 1:($26::int4[])[n.ord + 1]] as timeline_at,
        ($27::bigint[])[($28::int4[])[n.ord] + 1:($28::int4[])[n.ord + 1]] as patients
    from unnest($1::int2[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::bytea[],
                $7::int2[], $8::int4[], $35::int4[], $37::boolean[])
        with ordinality n (type, id, id_hash, digest, content, wire, method, actor, expected, revives, ord)
),
old as materialized (
    select
        c.ord, r.rid, r.id_hash, r.last_updated, r.xid, r.version, r.site, r.method, r.patients,
        r.keys, r.string_param, r.string_value, r.date_param, r.date_lo, r.date_hi,
        r.number_param, r.number_lo, r.number_hi, r.timeline_key, r.timeline_at, r.wire
    from c join resource r on r.id_hash = c.id_hash and r.version = c.expected
    where r.last_updated < c.at
        and (r.method = 2) = c.revives
        and (r.digest <> c.digest or c.method = 2 or c.revives) -- an update that changes nothing is none
        and ($36::bigint[] is null or r.patients && $36)
),
head as (
    update resource r set
        last_updated = c.at, xid = pg_current_xact_id(), digest = c.digest,
        version = c.expected + 1, site = c.site, method = c.method,
        patients = case when c.method = 2 then o.patients else c.patients end, -- a tombstone keeps its owners
        keys = c.keys, facets = c.facets, string_param = c.string_param,
        string_value = c.string_value, date_param = c.date_param, date_lo = c.date_lo,
        date_hi = c.date_hi, number_param = c.number_param, number_lo = c.number_lo,
        number_hi = c.number_hi, timeline_key = c.timeline_key, timeline_at = c.timeline_at,
        content = c.content::jsonb, wire = c.wire
    from old o join c on c.ord = o.ord
    where r.rid = o.rid and r.version = c.expected
    returning r.rid, o.ord
),
done as materialized (
    select head.rid, head.ord from head
),
archived as (
    insert into history (
        rid, id_hash, last_updated, archived_at, xid, version, type, site, method, id, patients, wire)
    select o.rid, o.id_hash, o.last_updated, c.at, o.xid, o.version, c.type, o.site, o.method, c.id,
        o.patients, o.wire
    from done join old o on o.ord = done.ord join c on c.ord = done.ord
),
token_gone as (
    delete from token_index t using done join old o on o.ord = done.ord join c on c.ord = done.ord,
        unnest(o.keys) k (key)
    where t.key = k.key and t.rid = done.rid and k.key <> all (c.keys)
),
token_new as (
    insert into token_index (key, rid)
    select k.key, done.rid
    from done join old o on o.ord = done.ord join c on c.ord = done.ord, unnest(c.keys) k (key)
    where k.key <> all (o.keys)
),
string_gone as (
    delete from string_index t using done join old o on o.ord = done.ord
        join c on c.ord = done.ord, unnest(o.string_param, o.string_value) s (param, value)
    where t.param = s.param and t.value = s.value and t.rid = done.rid
        and (o.string_param, o.string_value) is distinct from (c.string_param, c.string_value)
),
string_new as (
    insert into string_index (param, rid, value)
    select s.param, done.rid, s.value
    from done join old o on o.ord = done.ord join c on c.ord = done.ord,
        unnest(c.string_param, c.string_value) s (param, value)
    where (o.string_param, o.string_value) is distinct from (c.string_param, c.string_value)
),
date_gone as (
    delete from date_index t using done join old o on o.ord = done.ord join c on c.ord = done.ord,
        unnest(o.date_param, o.date_lo, o.date_hi) d (param, lo, hi)
    where t.param = d.param and t.lo = d.lo and t.hi = d.hi and t.rid = done.rid
        and (o.date_param, o.date_lo, o.date_hi) is distinct from (c.date_param, c.date_lo, c.date_hi)
),
date_new as (
    insert into date_index (param, lo, hi, rid)
    select d.param, d.lo, d.hi, done.rid
    from done join old o on o.ord = done.ord join c on c.ord = done.ord,
        unnest(c.date_param, c.date_lo, c.date_hi) d (param, lo, hi)
    where (o.date_param, o.date_lo, o.date_hi) is distinct from (c.date_param, c.date_lo, c.date_hi)
),
number_gone as (
    delete from number_index t using done join old o on o.ord = done.ord
        join c on c.ord = done.ord,
        unnest(o.number_param, o.number_lo, o.number_hi) d (param, lo, hi)
    where t.param = d.param and t.lo = d.lo and t.hi = d.hi and t.rid = done.rid
        and (o.number_param, o.number_lo, o.number_hi)
            is distinct from (c.number_param, c.number_lo, c.number_hi)
),
number_new as (
    insert into number_index (param, lo, hi, rid)
    select d.param, d.lo, d.hi, done.rid
    from done join old o on o.ord = done.ord join c on c.ord = done.ord,
        unnest(c.number_param, c.number_lo, c.number_hi) d (param, lo, hi)
    where (o.number_param, o.number_lo, o.number_hi)
        is distinct from (c.number_param, c.number_lo, c.number_hi)
),
timeline_gone as (
    delete from timeline_index t using done join old o on o.ord = done.ord
        join c on c.ord = done.ord,
        unnest(case when o.patients = '{}' then '{0}' else o.patients end) p (patient),
        unnest(o.timeline_key, o.timeline_at) l (key, at)
    where t.patient = p.patient and t.key = l.key and t.at = l.at and t.rid = done.rid
        and (o.patients, o.timeline_key, o.timeline_at)
            is distinct from (c.patients, c.timeline_key, c.timeline_at)
),
timeline_new as (
    insert into timeline_index (patient, key, at, rid)
    select p.patient, l.key, l.at, done.rid
    from done join old o on o.ord = done.ord join c on c.ord = done.ord,
        unnest(case when c.patients = '{}' then '{0}' else c.patients end) p (patient),
        unnest(c.timeline_key, c.timeline_at) l (key, at)
    where (o.patients, o.timeline_key, o.timeline_at)
        is distinct from (c.patients, c.timeline_key, c.timeline_at)
),
event as (
    insert into outbox (rid, version, type, site, method, id, patients)
    select done.rid, c.expected + 1, c.type, c.site, c.method, c.id,
        case when c.method = 2 then o.patients else c.patients end
    from done join c on c.ord = done.ord join old o on o.ord = done.ord
),
audited as (
    insert into audit (at, request_id, action, status, type, version, id, client, subject, token_id)
    select c.at, ($32::text[])[c.actor], case c.method when 2 then 3 else 2 end,
        case when c.method = 2 then 204 when c.revives then 201 else 200 end, c.type, c.expected + 1, c.id,
        ($31::text[])[c.actor], ($33::text[])[c.actor], ($34::text[])[c.actor]
    from done join c on c.ord = done.ord
)
select ord from done
