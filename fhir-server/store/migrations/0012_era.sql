-- A dump that is restored into another cluster brings versions whose `xid` that cluster has not given out yet: a page
-- walk would take them for later than its beginning, and pass them over. So what was there when a database is first
-- met in a cluster is of an era of its own, and lies before every walk.

-- Says up to when versions are of an era before, as microseconds since 1970; null where the database never moved.
-- Asked by each server at its start.
create function settle_era() returns bigint language plpgsql
security definer set search_path = public, pg_temp as $$
declare
    here  bytea := (select int8send(system_identifier) from pg_control_system());
    there bytea;
begin
    lock table setting in share row exclusive mode;
    select value into there from setting where name = 'cluster';
    if there is distinct from here then
        insert into setting (name, value) values ('cluster', here)
            on conflict (name) do update set value = excluded.value;
        -- The index on type and time knows the newest of each type.
        insert into setting (name, value)
            select 'era', int8send((extract(epoch from max(newest)) * 1000000)::bigint)
            from generate_series(0, 1000) type, lateral (
                select last_updated as newest from resource r where r.type = type.type
                order by last_updated desc limit 1) n
            having max(newest) is not null and there is not null
            on conflict (name) do update set value = excluded.value;
    end if;
    return (select ('x' || encode(value, 'hex'))::bit(64)::bigint from setting where name = 'era');
end
$$;
revoke execute on function settle_era from public;
grant execute on function settle_era to carebridge_app;

-- The first cluster. One that the database came to by a dump before there was this migration shows by its numbers.
do $$
begin
    if exists (select from resource where xid >= pg_current_xact_id()) then
        insert into setting (name, value) values ('cluster', '');
    end if;
    perform settle_era();
end
$$;
