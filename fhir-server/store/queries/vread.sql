select version, last_updated, method, patients, wire
from resource
where id_hash = $1 and id = $2 and version = $3 and ($4::bigint[] is null or patients && $4)
union all
select h.version, h.last_updated, h.method, h.patients, h.wire
from resource r join history h on h.rid = r.rid and h.version = $3
where r.id_hash = $1 and r.id = $2 and ($4::bigint[] is null or h.patients && $4)
