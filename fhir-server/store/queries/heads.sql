-- `seen` is what may be read; `visible` what may be replaced: all of whose patients are within reach.
select r.id_hash, r.version, r.digest, r.last_updated, r.method,
    ($2::bigint[] is null or r.patients && $2)
--! reach
    as seen,
    ($2::bigint[] is null or r.patients <@ $2 and r.patients <> '{}')
--! whole
    as visible
from unnest($1::bigint[]) i (id_hash)
cross join lateral (select * from resource x where x.id_hash = i.id_hash offset 0) r
