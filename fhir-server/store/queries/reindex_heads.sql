-- The next living heads behind a number.
select rid, type, id, version, last_updated, method, wire from resource
where rid > $1 and wire is not null order by rid limit $2
