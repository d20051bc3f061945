-- What tells which label withholds a resource that is within the bounds of its reader.
select r.keys
from resource r
where r.id_hash = $1 and r.id = $2 and ($3::bigint[] is null or r.patients && $3)
--! reach
