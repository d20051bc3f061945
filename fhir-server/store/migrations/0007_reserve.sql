-- Space kept back for a full disk. When a write finds none, the reserve is given back and writes are
-- refused: so the audit records of reads go on finding room. The table is unlogged, so a crash for want
-- of log space gives it back by itself, and filling it writes no log. It has neither an index nor a column
-- that could be stored outside: giving it back must not need a page for either. So its rows are wide by many
-- columns of the fixed type `name`, two of them to a page.
do $$
begin
    execute (
        select 'create unlogged table reserve (' || string_agg(format('n%s name not null default ''''', n), ', ')
            || ')'
        from generate_series(1, 60) n);
end
$$;

-- Fills the reserve to so many pages of 8 KiB.
create function fill_reserve(pages integer) returns void language plpgsql set search_path = public as $$
begin
    while pg_relation_size('reserve') < pages * 8192::bigint loop
        insert into reserve select from generate_series(1, 1000);
    end loop;
end
$$;

-- Takes the reserve where it is not held; whether it is held then, which another server that tries just now
-- leaves open. Only where there is room for twice as much: a reserve that took
-- what was given back a moment ago would leave nothing. Fails with disk_full (53100) and changes nothing.
create function take_reserve(pages integer) returns boolean language plpgsql
security definer set search_path = public as $$
begin
    if pg_relation_size('reserve') >= pages * 8192::bigint then
        return true;
    end if;
    if not pg_try_advisory_xact_lock(hashtextextended('reserve', 0)) then
        return false;
    end if;
    begin
        truncate reserve;
        perform fill_reserve(2 * pages);
        raise exception using errcode = 'CB001';
    exception when sqlstate 'CB001' then
        null; -- There was room; it is free again.
    end;
    truncate reserve;
    perform fill_reserve(pages);
    return true;
end
$$;

create function give_reserve_back() returns void language plpgsql
security definer set search_path = public as $$
begin
    truncate reserve;
end
$$;

revoke execute on function fill_reserve, take_reserve, give_reserve_back from public;
grant execute on function take_reserve, give_reserve_back to carebridge_app;
