-- What heads are indexed with and how far; where it is asked, with the newest state of the definitions it
-- should be of, for which all their heads are read. Of some keys, those that there are resources under: a row
-- of the index counts where the head still has its key.
select i.goal, i.aim, i.seals, i.seen, i.form, i.reached, i.last, i.types, i.ended,
    case when $2 then (select coalesce(sum(version), 0)::bigint from resource where type = $1)
        else i.seen end as newest,
    exists (select from index_due) as due,
    exists (
        select from pg_attribute a
        where a.attrelid = 'audit'::regclass and a.attname = 'tx' and not a.attisdropped
    ) as record,
    exists (select from resource) as some,
    exists (select from setting where name = 'seal_proof') as sealed,
    array(select digest from index_param order by digest) as params,
    array(select digest from index_param where built) as built,
    -- In the order of the index, so that no plan looks through the table for a key that is not there.
    array(
        select k from unnest($3::bigint[]) k
        cross join lateral (
            select from token_index t
            cross join lateral (select keys from resource x where x.rid = t.rid offset 0) r
            where t.key = k and r.keys @> array[k]
            order by t.rid limit 1
        ) t
    ) as present
from index_state i where i.one
