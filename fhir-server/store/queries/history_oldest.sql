-- Versions of the given types, oldest first. Each type is one walk down the heads' index and one down the
-- journal's; a version keeps its place in the order when it is superseded during a walk. `current` says that
-- the head decided; of a superseded version it says that its content must.
select v.type, v.id, v.version, v.last_updated, v.method, v.patients, v.wire, v.rid, v.current
from unnest($1::int2[], $2::boolean[], $10::text[]) u (type, free, owners)
cross join lateral (select u.type, u.free, u.owners::bigint[] as owners offset 0) t
cross join lateral (
    (
        select r.type, r.id, r.version, r.last_updated, r.method, r.patients, r.wire, r.rid,
            true as current
        from resource r
        where r.type = t.type
            and (t.free or r.patients && t.owners)
--! reach
            and ($3::timestamptz is null or r.last_updated >= $3)
            and ($5::timestamptz is null or r.last_updated < $5)
            and ($6::timestamptz is null
                or (r.last_updated, r.rid, r.version) > ($6, $7::bigint, $8::int4))
        order by r.last_updated asc, r.rid asc
        limit $9
    )
    union all
    (
        select h.type, h.id, h.version, h.last_updated, h.method, h.patients, h.wire, h.rid,
            false as current
        from history h
        where h.type = t.type
            and (t.free or h.patients && t.owners)
            and ($3::timestamptz is null or h.last_updated >= $3)
            and ($4::timestamptz is null or h.archived_at > $4)
            and ($5::timestamptz is null or h.last_updated < $5)
            and ($6::timestamptz is null
                or (h.last_updated, h.rid, h.version) > ($6, $7::bigint, $8::int4))
        order by h.last_updated asc, h.rid asc, h.version asc
        limit $9
    )
) v
order by v.last_updated asc, v.rid asc, v.version asc
limit $9
