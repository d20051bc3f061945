-- SearchParameters that may ask to be used: living, active, and no copies of what FHIR publishes; the older
-- first, so that all servers leave the same ones out where there are too many. What is stored sealed may say
-- anything. No limit here: with one the planner would walk all resources for the few of this type.
select count(*) as all, coalesce((array_agg(rid order by rid))[1:$3], '{}') as numbers
from resource
where type = $1 and wire is not null
    and (content ->> 'status' = 'active' or content ->> 'status' like 'sealed:%')
    and coalesce(content ->> 'url', '') <> all ($2)
