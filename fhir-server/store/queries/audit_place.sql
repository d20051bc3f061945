-- How far the record is sealed, and how far it may be: the oldest transaction still open, and the next.
select pg_snapshot_xmin(now.snapshot)::text::bigint as open, pg_snapshot_xmax(now.snapshot)::text::bigint as next,
    clock_timestamp() as at, last.seal, last.era, last.tx_hi, last.id_hi, last.head,
    -- Rows of this era have higher numbers, rows of the next will have higher ones than `top`.
    case when last.era > 0 then (select max(id_hi) from audit_seal where era < last.era) end as floor,
    case when last.tx_hi >= pg_snapshot_xmax(now.snapshot)::text::bigint
        then (select max(id_hi) from audit_seal) end as top
from (select pg_current_snapshot()) now (snapshot)
left join lateral (select seal, era, tx_hi, id_hi, head from audit_seal order by seal desc limit 1) last on true
