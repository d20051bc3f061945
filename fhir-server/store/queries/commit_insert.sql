-- Writes new resources whole, in one statement: head, inverted index, outbox, audit, and what makes
-- the request happen once. Row n of a flat array belongs to the change whose offsets span it; its
-- actor is who asked. Index rows carry their resource's number, so they join nothing. Parts between `--?` and `--.` are left out where a batch has nothing for them.
with
--? claims
claimed as (
    -- Two conditional creates of one criteria meet here: the later one waits for the first, then violates
    -- the primary key, and nothing of this statement happens. In one order, so that no two wait in a ring.
    insert into claim (criteria) select c from unnest($53::bigint[]) c order by c
),
--.
--? key
once as (
    -- A repeated key violates the primary key, and nothing of this statement happens.
    insert into idempotency (client, key, request, reply)
    select ($31::text[])[1], $60, $61, $62 where $60::text is not null
),
--.
c as materialized (
    select
        n.rid, n.type, n.id, n.id_hash, n.digest, n.content, n.wire,
        n.method, n.actor, ($29::timestamptz[])[n.actor] as at, ($30::int2[])[n.actor] as site,
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
                $7::int2[], $8::int4[], $35::bigint[])
        with ordinality n (type, id, id_hash, digest, content, wire, method, actor, rid, ord)
),
--? tokens
tokens as (
    insert into token_index (key, rid) select * from unnest($36::bigint[], $37::bigint[]) g (key, rid)
),
--.
--? strings
strings as (
    insert into string_index (param, rid, value)
    select * from unnest($38::bigint[], $39::bigint[], $40::text[]) g (param, rid, value)
),
--.
--? dates
dates as (
    insert into date_index (param, lo, hi, rid)
    select * from unnest($41::bigint[], $42::bigint[], $43::bigint[], $44::bigint[]) g (param, lo, hi, rid)
),
--.
--? numbers
numbers as (
    insert into number_index (param, lo, hi, rid)
    select * from unnest($45::bigint[], $46::float8[], $47::float8[], $48::bigint[]) g (param, lo, hi, rid)
),
--.
--? timelines
timelines as (
    insert into timeline_index (patient, key, at, rid)
    select * from unnest($49::bigint[], $50::bigint[], $51::bigint[], $52::bigint[]) g (patient, key, at, rid)
),
--.
--? rules
rules as (
    insert into consent_rule (
        source, place, patient, effect, depth, types, keys, actors, actions, purposes, since, until)
    select g.source, g.place, g.patient, g.effect, g.depth, g.types, g.keys, g.actors, g.actions, g.purposes,
        'epoch'::timestamptz + g.since * interval '1 microsecond',
        'epoch'::timestamptz + g.until * interval '1 microsecond'
    from jsonb_to_recordset($59::jsonb) g (
        source bigint, place int2, patient bigint, effect int2, depth int2, types int2[], keys bigint[],
        actors bigint[], actions int2, purposes text[], since bigint, until bigint)
),
--.
--? due
due as (
    -- By another goal than the one that stands: this server has not heard of it yet.
    insert into index_due (rid) select d.rid from c d
    where $54::bigint is distinct from (select goal from index_state where one)
),
--.
event as (
    insert into outbox (rid, version, type, site, method, id, patients)
    select rid, 1, type, site, method, id, patients from c
),
audited as (
    insert into audit (
        at, request_id, action, status, type, version, id, client, subject, token_id
--? record
        , patients, interaction, person, address, purpose
--.
    )
    select at, ($32::text[])[actor], case method when 0 then 0 else 2 end, 201, type, 1, id,
        ($31::text[])[actor], ($33::text[])[actor], ($34::text[])[actor]
--? record
        , nullif(patients, '{}'), ($55::int2[])[actor], ($56::text[])[actor], ($57::inet[])[actor],
        ($58::text[])[actor]
--.
    from c
),
head as (
    insert into resource (
        rid, id_hash, last_updated, digest, version, type, site, method, id, patients, keys, facets,
        string_param, string_value, date_param, date_lo, date_hi, number_param, number_lo,
        number_hi, timeline_key, timeline_at, content, wire)
    select
        rid, id_hash, at, digest, 1, type, site, method, id, patients, keys, facets,
        string_param, string_value, date_param, date_lo, date_hi, number_param, number_lo,
        number_hi, timeline_key, timeline_at, content::jsonb, wire
    from c
)
select count(*) from c
