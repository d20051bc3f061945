-- Heads that could not be indexed anew keep the index that they have, with one key more that says so. It goes
-- with the next index that they get.
with kept as (
    update resource r set keys = r.keys || g.key
    from unnest($1::bigint[], $2::int4[], $3::bigint[]) g (rid, version, key)
    where r.rid = g.rid and r.version = g.version and not r.keys @> array[g.key]
    returning r.rid, g.key
)
insert into token_index (key, rid) select key, rid from kept
