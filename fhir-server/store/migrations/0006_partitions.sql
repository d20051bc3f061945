-- As before, and each partition for itself: a row that reached a default partition, because the clock ran
-- ahead or nobody made partitions for months, keeps only its own month there. It is found all the same.
create or replace function ensure_partitions(until timestamptz) returns void language plpgsql
security definer set search_path = public set client_min_messages = warning as $$
declare
    journal text;
    month   timestamptz;
begin
    perform pg_advisory_xact_lock(hashtextextended('ensure_partitions', 0));
    foreach journal in array array['history', 'outbox', 'audit', 'inbox'] loop
        month := date_trunc('month', now(), 'UTC');
        while month <= until loop
            begin
                execute format(
                    'create table if not exists %I partition of %I for values from (%L) to (%L)',
                    journal || to_char(month at time zone 'UTC', '_YYYY_MM'), journal,
                    month, month + interval '1 month');
            exception when check_violation then
                raise warning 'rows of % are in the default partition of %', month, journal;
            end;
            month := month + interval '1 month';
        end loop;
    end loop;
end
$$;
