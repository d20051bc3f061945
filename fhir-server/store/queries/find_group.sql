-- The matches of keys that tend to match one resource each: two of them at most, for two are too many.
-- A key that has more candidates than a glance takes is left to a search of its own.
select i.ord, cardinality(c.rids) > $5 as crowded, octet_length(r.wire) > $6 as large,
    r.type, r.id, r.version, r.last_updated, r.method, r.patients,
    case when octet_length(r.wire) <= $6 then r.wire end as wire, r.rid
from unnest($1::bigint[], $2::int2[], $3::int4[], $4::int4[]) with ordinality i (key, type, facet, half, ord)
cross join lateral (
    select array(select t.rid from token_index t where t.key = i.key order by t.rid desc limit $5 + 1) as rids
    offset 0
) c
left join lateral (
    select x.*
    from unnest(c.rids) d (rid)
    cross join lateral (select * from resource x where x.rid = d.rid offset 0) x
    where x.method <> 2 and x.type = i.type and i.key = any (x.keys)
        and (i.facet is null or i.facet = any (x.facets)) and (i.half is null or i.half = any (x.facets))
    limit 2
) r on true
where r.rid is not null or cardinality(c.rids) > $5
