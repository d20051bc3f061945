-- Writes new versions of resources in one statement. Each change names the version it replaces: if
-- another write was first, that change is not applied and not returned; the others are.
-- The difference between the replaced index and the new one comes with the change, and holds because the
-- row is the one whose index was read: its `xmin` is another where the version was indexed anew meanwhile,
-- and then too the change is not applied. Without the part `version` the same versions are only indexed anew.
with
--? key
once as (
    insert into idempotency (client, key, request, reply)
    select ($31::text[])[1], $79, $80, $81 where $79::text is not null
),
--.
c as materialized (
    select
        n.rid, n.type, n.id, n.id_hash, n.digest, n.content, n.wire, n.method, n.actor, n.expected,
        n.revives, n.xmin, n.ord,
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
                $7::int2[], $8::int4[], $35::bigint[], $53::int4[], $54::boolean[], $73::bigint[])
        with ordinality n (
            type, id, id_hash, digest, content, wire, method, actor, rid, expected, revives, xmin,
            ord)
),
--? version
old as materialized (
    select r.rid, r.last_updated, r.xid, r.version, r.site, r.method, r.patients, r.wire
    from c cross join lateral (select * from resource x where x.rid = c.rid offset 0) r
    where r.version = c.expected
),
--.
done as (
    update resource r set
--? version
        last_updated = c.at, xid = pg_current_xact_id(), digest = c.digest,
        version = c.expected + 1, site = c.site, method = c.method,
        content = c.content::jsonb, wire = c.wire,
--.
        patients = case when c.method = 2 then r.patients else c.patients end, -- a tombstone keeps its owners
        keys = c.keys, facets = c.facets, string_param = c.string_param,
        string_value = c.string_value, date_param = c.date_param, date_lo = c.date_lo,
        date_hi = c.date_hi, number_param = c.number_param, number_lo = c.number_lo,
        number_hi = c.number_hi, timeline_key = c.timeline_key, timeline_at = c.timeline_at
    from c
    where r.rid = c.rid and r.version = c.expected and r.xmin::text::bigint = c.xmin
    returning r.rid, r.id_hash, r.version, r.type, r.site, r.method, r.id, r.patients,
        r.last_updated, c.ord, c.actor, c.revives
),
--? version
archived as (
    insert into history (
        rid, id_hash, last_updated, archived_at, xid, version, type, site, method, id, patients, wire)
    select d.rid, d.id_hash, o.last_updated, d.last_updated, o.xid, o.version, d.type, o.site, o.method,
        d.id, o.patients, o.wire
    from done d join old o on o.rid = d.rid
),
--.
--? tokens_gone
tokens_gone as (
    delete from token_index t using unnest($55::bigint[], $56::bigint[]) g (key, rid)
    where t.key = g.key and t.rid = g.rid and g.rid = any (array(select rid from done))
),
--.
--? strings_gone
strings_gone as (
    delete from string_index t using unnest($57::bigint[], $58::bigint[], $59::text[]) g (param, rid, value)
    where t.param = g.param and t.value = g.value and t.rid = g.rid
        and g.rid = any (array(select rid from done))
),
--.
--? dates_gone
dates_gone as (
    delete from date_index t
    using unnest($60::bigint[], $61::bigint[], $62::bigint[], $63::bigint[]) g (param, lo, hi, rid)
    where t.param = g.param and t.lo = g.lo and t.rid = g.rid and t.hi = g.hi
        and g.rid = any (array(select rid from done))
),
--.
--? numbers_gone
numbers_gone as (
    delete from number_index t
    using unnest($64::bigint[], $65::float8[], $66::float8[], $67::bigint[]) g (param, lo, hi, rid)
    where t.param = g.param and t.lo = g.lo and t.rid = g.rid and t.hi = g.hi
        and g.rid = any (array(select rid from done))
),
--.
--? timelines_gone
timelines_gone as (
    delete from timeline_index t
    using unnest($68::bigint[], $69::bigint[], $70::bigint[], $71::bigint[]) g (patient, key, at, rid)
    where t.patient = g.patient and t.key = g.key and t.at = g.at and t.rid = g.rid
        and g.rid = any (array(select rid from done))
),
--.
--? tokens
tokens as (
    insert into token_index (key, rid) select * from unnest($36::bigint[], $37::bigint[]) g (key, rid)
    where g.rid = any (array(select rid from done))
),
--.
--? strings
strings as (
    insert into string_index (param, rid, value)
    select * from unnest($38::bigint[], $39::bigint[], $40::text[]) g (param, rid, value)
    where g.rid = any (array(select rid from done))
),
--.
--? dates
dates as (
    insert into date_index (param, lo, hi, rid)
    select * from unnest($41::bigint[], $42::bigint[], $43::bigint[], $44::bigint[]) g (param, lo, hi, rid)
    where g.rid = any (array(select rid from done))
),
--.
--? numbers
numbers as (
    insert into number_index (param, lo, hi, rid)
    select * from unnest($45::bigint[], $46::float8[], $47::float8[], $48::bigint[]) g (param, lo, hi, rid)
    where g.rid = any (array(select rid from done))
),
--.
--? timelines
timelines as (
    insert into timeline_index (patient, key, at, rid)
    select * from unnest($49::bigint[], $50::bigint[], $51::bigint[], $52::bigint[]) g (patient, key, at, rid)
    where g.rid = any (array(select rid from done))
),
--.
--? rules
rules_gone as (
    delete from consent_rule t
    where t.source = any (array(select rid from done))
        and (t.source, t.place) not in (
            select g.source, g.place from jsonb_to_recordset($78::jsonb) g (source bigint, place int2))
),
rules as (
    -- Those of the version before are written over, place by place.
    insert into consent_rule (
        source, place, patient, effect, depth, types, keys, actors, actions, purposes, since, until)
    select g.source, g.place, g.patient, g.effect, g.depth, g.types, g.keys, g.actors, g.actions, g.purposes,
        'epoch'::timestamptz + g.since * interval '1 microsecond',
        'epoch'::timestamptz + g.until * interval '1 microsecond'
    from jsonb_to_recordset($78::jsonb) g (
        source bigint, place int2, patient bigint, effect int2, depth int2, types int2[], keys bigint[],
        actors bigint[], actions int2, purposes text[], since bigint, until bigint)
    where g.source = any (array(select rid from done))
    on conflict (source, place) do update set
        (patient, effect, depth, types, keys, actors, actions, purposes, since, until) = (
            excluded.patient, excluded.effect, excluded.depth, excluded.types, excluded.keys, excluded.actors,
            excluded.actions, excluded.purposes, excluded.since, excluded.until)
),
--.
--? version
event as (
    insert into outbox (rid, version, type, site, method, id, patients)
    select rid, version, type, site, method, id, patients from done
),
audited as (
    insert into audit (
        at, request_id, action, status, type, version, id, client, subject, token_id
--? record
        , patients, interaction, person, address, purpose
--.
    )
    select last_updated, ($32::text[])[actor], case method when 2 then 3 else 2 end,
        case when method = 2 then 204 when revives then 201 else 200 end, type, version, id,
        ($31::text[])[actor], ($33::text[])[actor], ($34::text[])[actor]
--? record
        , nullif(patients, '{}'), ($74::int2[])[actor], ($75::text[])[actor], ($76::inet[])[actor],
        ($77::text[])[actor]
--.
    from done
),
--.
--? due
due as (
    -- By another goal than the one that stands: this server has not heard of it yet.
    insert into index_due (rid) select d.rid from done d
    where d.method <> 2 and $72::bigint is distinct from (select goal from index_state where one)
),
--.
applied as (
    select ord from done
)
select ord from applied
