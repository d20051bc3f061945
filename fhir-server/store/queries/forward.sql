-- What is replaced: the heads' forward index, and what decides whether they may be.
select i.ord, r.rid, r.version, r.last_updated, r.digest, r.method, r.patients, r.keys,
    r.string_param, r.string_value, r.date_param, r.date_lo, r.date_hi, r.number_param, r.number_lo,
    r.number_hi, r.timeline_key, r.timeline_at
from unnest($1::bigint[]) with ordinality i (id_hash, ord)
cross join lateral (select * from resource x where x.id_hash = i.id_hash offset 0) r
where $2::bigint[] is null or r.patients && $2
