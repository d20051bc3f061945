-- Versions by their names, current or not, for a caller who reaches everything: one round trip.
select i.ord, v.version, v.last_updated, v.method, v.patients, v.wire
from unnest($1::bigint[], $2::text[], $3::int[]) with ordinality i (id_hash, id, version, ord)
cross join lateral (
    select r.version, r.last_updated, r.method, r.patients, r.wire
    from resource r
    where r.id_hash = i.id_hash and r.id = i.id and r.version = i.version
    union all
    select h.version, h.last_updated, h.method, h.patients, h.wire
    from resource r join history h on h.rid = r.rid and h.version = i.version
    where r.id_hash = i.id_hash and r.id = i.id
) v
