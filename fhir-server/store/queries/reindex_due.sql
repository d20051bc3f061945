-- Heads that were written by another goal, each with its row.
select d.due, r.rid, r.type, r.id, r.version, r.last_updated, r.method, r.wire
from (select due, rid from index_due order by due limit $1) d
cross join lateral (select * from resource x where x.rid = d.rid offset 0) r
order by d.due
