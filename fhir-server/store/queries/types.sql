-- The types in use: one step in the index for each.
with recursive t (type) as (
    (select type from resource order by type limit 1)
    union all
    select (select r.type from resource r where r.type > t.type order by r.type limit 1)
    from t where t.type is not null
)
select type from t where type is not null
