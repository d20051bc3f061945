select r.version, r.last_updated, r.method, r.patients, r.wire
from resource r
where r.id_hash = $1 and r.id = $2 and ($3::bigint[] is null or r.patients && $3)
--! reach
