-- `current` says that the head decided; of a superseded version it says that its content must.
select r.version, r.last_updated, r.method, r.patients, r.wire, true as current
from resource r
where r.id_hash = $1 and r.id = $2 and r.version = $3 and ($4::bigint[] is null or r.patients && $4)
--! reach
union all
select h.version, h.last_updated, h.method, h.patients, h.wire, false
from resource r join history h on h.rid = r.rid and h.version = $3
where r.id_hash = $1 and r.id = $2 and ($4::bigint[] is null or h.patients && $4)
