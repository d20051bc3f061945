-- What heads are indexed with and how far, with the newest state of the definitions it should be of.
select i.goal, i.aim, i.seals, i.seen, i.form, i.reached, i.last, i.types,
    (select coalesce(sum(version), 0)::bigint from resource where type = $1) as newest,
    exists (select from index_due) as due,
    exists (select from resource) as some,
    exists (select from setting where name = 'seal_proof') as sealed,
    array(select digest from index_param order by digest) as params,
    array(select digest from index_param where built) as built
from index_state i where i.one
