-- The next living heads behind a number, up to another; of these types, or of all.
select rid, type, id, version, last_updated, method, wire from resource
where rid > $1 and rid <= $2 and wire is not null and ($3::int2[] is null or type = any ($3))
order by rid limit $4
