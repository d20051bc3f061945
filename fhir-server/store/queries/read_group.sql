-- Current versions, and with each that is given out the record of its access: one round trip, one flush.
with found as materialized (
    select i.*, r.type, r.version, r.last_updated, r.method, r.patients, r.wire
    from unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[],
            $9::int2[], $10::text[], $11::inet[], $12::text[])
        with ordinality i (id_hash, id, at, request_id, client, subject, token_id, interaction, person,
            address, purpose, ord)
    cross join lateral (select * from resource x where x.id_hash = i.id_hash and x.id = i.id offset 0) r
)
--? kept
, recorded as (
    insert into audit (
        at, request_id, action, status, type, version, id, client, subject, token_id
--? record
        , interaction, person, address, purpose, patients
--.
    )
    select at, request_id, 1, 200, type, version, id, client, subject, token_id
--? record
        , interaction, person, address, purpose, nullif(patients, '{}')
--.
    from found
    where method <> 2
)
--.
-- A large one is read again by itself, so that a group holds little.
select ord, version, last_updated, method, case when octet_length(wire) <= $8 then wire end as wire
from found
