select version, last_updated, method, patients, wire
from resource
where id_hash = $1 and id = $2 and ($3::bigint[] is null or patients && $3)
