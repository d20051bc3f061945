-- `current` says that the head decided; of a superseded version it says that its content must.
select v.version, v.last_updated, v.method, v.patients, v.wire, v.current
from (
    select r.version, r.last_updated, 'infinity'::timestamptz as archived_at, r.method, r.wire, r.patients,
        true as current
    from resource r
    where r.id_hash = $1 and r.id = $2
--! reach
    union all
    select h.version, h.last_updated, h.archived_at, h.method, h.wire, h.patients, false
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
