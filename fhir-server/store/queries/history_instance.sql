select v.version, v.last_updated, v.method, v.patients, v.wire
from (
    select version, last_updated, 'infinity'::timestamptz as archived_at, method, wire, patients
    from resource
    where id_hash = $1 and id = $2
    union all
    select h.version, h.last_updated, h.archived_at, h.method, h.wire, h.patients
    from resource r join history h on h.rid = r.rid
    where r.id_hash = $1 and r.id = $2
) v
where ($3::bigint[] is null or v.patients && $3)
    and ($4::timestamptz is null or v.last_updated >= $4)
    and ($5::timestamptz is null or v.archived_at > $5)
    and ($6::timestamptz is null or v.last_updated < $6)
    and ($7::int4 is null or case when $8 then v.version > $7 else v.version < $7 end)
order by case when $8 then v.version else -v.version end
limit $9
