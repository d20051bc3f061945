select i.ord, r.version, r.last_updated, r.method, r.wire
from unnest($1::bigint[], $2::text[]) with ordinality i (id_hash, id, ord)
cross join lateral (select * from resource x where x.id_hash = i.id_hash and x.id = i.id offset 0) r
