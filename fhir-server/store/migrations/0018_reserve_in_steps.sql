-- The reserve is taken in steps, each a transaction of its own that either writes or gives back, never both: an
-- unlogged table that was truncated in a transaction which then failed could keep PostgreSQL from recovering after a
-- crash before the next checkpoint, for its old file was still there. That there is room for twice as much is
-- proved by a second table, which goes again.
create unlogged table reserve_proof (like reserve including all);

create function fill_reserve_proof(pages integer) returns void language plpgsql set search_path = public as $$
begin
    while pg_relation_size('reserve_proof') < pages * 8192::bigint loop
        insert into reserve_proof select from generate_series(1, 1000);
    end loop;
end
$$;

-- Takes a step: whether the reserve is held after it. Where it is not, another step follows, by this server or
-- another. Fails with disk_full (53100); what was taken so far is then to be given back.
create or replace function take_reserve(pages integer) returns boolean language plpgsql
security definer set search_path = public as $$
declare
    held constant boolean := pg_relation_size('reserve') >= pages * 8192::bigint;
    proved constant boolean := pg_relation_size('reserve_proof') >= pages * 8192::bigint;
begin
    if held and pg_relation_size('reserve_proof') = 0 then
        return true;
    end if;
    if not pg_try_advisory_xact_lock(hashtextextended('reserve', 0)) then
        return false;
    end if;
    if held then
        truncate reserve_proof;
        return true;
    end if;
    if proved then
        perform fill_reserve(pages);
    else
        perform fill_reserve_proof(pages);
    end if;
    return false;
end
$$;

create or replace function give_reserve_back() returns void language plpgsql
security definer set search_path = public as $$
begin
    truncate reserve, reserve_proof;
end
$$;

revoke execute on function fill_reserve_proof from public;
