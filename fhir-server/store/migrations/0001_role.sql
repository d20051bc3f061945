-- Three roles. The owner runs migrations and owns every table. The application reads and writes
-- resources but can only append to history, outbox and audit. The audit role can only append to
-- audit. Sessions take a role when they connect; roles are of the cluster, so they may exist.
do $$
declare
    name text;
begin
    foreach name in array array['carebridge_app', 'carebridge_audit'] loop
        begin
            execute format('create role %I nologin', name);
        exception
            when duplicate_object or unique_violation then null;
        end;
        execute format('grant %I to current_user', name);
    end loop;
end
$$;

revoke create on schema public from public;
grant usage on schema public to carebridge_app, carebridge_audit;
