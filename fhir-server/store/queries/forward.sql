-- What is replaced: the heads' forward index, and what decides whether they may be. `xmin` names the
-- transaction that wrote the row: whoever indexes a head anew leaves its version as it is, but not this.
select r.id_hash, r.xmin, r.rid, r.version, r.last_updated, r.digest, r.method, r.patients, r.keys,
    r.string_param, r.string_value, r.date_param, r.date_lo, r.date_hi, r.number_param, r.number_lo,
    r.number_hi, r.timeline_key, r.timeline_at
from unnest($1::bigint[]) i (id_hash)
cross join lateral (
    select x.*, x.xmin::text::bigint as xmin from resource x where x.id_hash = i.id_hash offset 0
--? locked
    -- One after the other, as they come.
    for no key update
--.
) r
where ($2::bigint[] is null or r.patients <@ $2 and r.patients <> '{}')
--! whole
--? locked
    -- The table's lock is before the rows', as in the statement that writes: who changes the goal waits for
    -- both, and must not be waited for by one who has only the rows'.
    and exists (select from index_state)
--.
