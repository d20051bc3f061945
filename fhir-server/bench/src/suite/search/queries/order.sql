-- Sorts, time of change, counts, systems, compartments, pages.

-- name: newest first
-- order: index
-- get: /Observation?code=http://loinc.org|8867-4&_sort=-date&_count=20
select r.wire from timeline_index t join resource r on r.rid = t.rid
where t.key = :key(Observation?code=8867-4)
    and :facet(Observation?code=http://loinc.org|8867-4) = any (r.facets)
order by t.at desc, t.rid desc limit 20

-- name: newest first, second page
-- order: index
-- get: /Observation?code=http://loinc.org|8867-4&_sort=-date&_count=20
-- page: 2
select r.wire from timeline_index t join resource r on r.rid = t.rid
where t.key = :key(Observation?code=8867-4)
    and :facet(Observation?code=http://loinc.org|8867-4) = any (r.facets)
order by t.at desc, t.rid desc offset 20 limit 20

-- name: newest of a patient's
-- order: index
-- get: /Observation?patient={Patient}&category=vital-signs&_sort=-date&_count=20
select r.wire from timeline_index t join resource r on r.rid = t.rid
where t.patient = :id(Patient/{Patient}) and t.key = :key(Observation?category=vital-signs)
order by t.at desc, t.rid desc limit 20

-- name: newest of all
-- order: index
-- get: /Encounter?_sort=-date&_count=20
select r.wire from date_index t join resource r on r.rid = t.rid
where t.param = :param(Encounter?date=2025)
    and t.lo = (select max(v.lo) from unnest(r.date_param, r.date_lo) v (param, lo)
        where v.param = :param(Encounter?date=2025))
order by t.lo desc, t.rid desc limit 20

-- name: by name, all
-- order: index
-- get: /Patient?_sort=family&_count=20
select r.wire from string_index t join resource r on r.rid = t.rid
where t.param = :param(Patient?family=x)
    and t.value = (select min(v.value) from unnest(r.string_param, r.string_value) v (param, value)
        where v.param = :param(Patient?family=x))
order by t.value, t.rid limit 20

-- name: by name, a practitioner's
-- order: matches
-- get: /Patient?general-practitioner=Practitioner/{Practitioner}&_sort=family&_count=20
select r.wire
from (select r.rid, (select min(v.value) from unnest(r.string_param, r.string_value) v (param, value)
        where v.param = :param(Patient?family=x)) as name
    from token_index t join resource r on r.rid = t.rid
    where t.key = :key(Patient?general-practitioner=Practitioner/{Practitioner})
    order by name, r.rid limit 20) d
join resource r on r.rid = d.rid order by d.name, d.rid

-- name: by name, then youngest
-- order: matches
-- get: /Patient?general-practitioner=Practitioner/{Practitioner}&_sort=family,-birthdate&_count=20
select r.wire
from (select r.rid, (select min(v.value) from unnest(r.string_param, r.string_value) v (param, value)
        where v.param = :param(Patient?family=x)) as name,
        (select max(v.lo) from unnest(r.date_param, r.date_lo) v (param, lo)
        where v.param = :param(Patient?birthdate=2000)) as born
    from token_index t join resource r on r.rid = t.rid
    where t.key = :key(Patient?general-practitioner=Practitioner/{Practitioner})
    order by name, born desc, r.rid desc limit 20) d
join resource r on r.rid = d.rid order by d.name, d.born desc, d.rid desc

-- name: changed since
-- order: index
-- get: /Encounter?_lastUpdated=ge{late}&_count=20
select r.wire from resource r
where r.type = :type(Encounter) and r.method <> 2
    and r.last_updated >= :moment(Encounter?_lastUpdated=ge{late})
order by r.last_updated desc, r.rid desc limit 20

-- name: changed before
-- order: index
-- get: /Encounter?_lastUpdated=lt{early}&_count=20
select r.wire from resource r
where r.type = :type(Encounter) and r.method <> 2
    and r.last_updated < :moment(Encounter?_lastUpdated=ge{early})
order by r.last_updated desc, r.rid desc limit 20

-- name: count of a name
-- order: matches
-- get: /Patient?family={Patient.family}&_summary=count
-- answer: count
select count(distinct t.rid) from string_index t
where t.param = :param(Patient?family=x)
    and t.value >= :text(Patient?family={Patient.family})
    and t.value < :text(Patient?family={Patient.family}) || U&'\+10FFFF'

-- name: count of a code
-- order: matches
-- get: /Condition?code=http://snomed.info/sct|84114007&_summary=count
-- answer: count
select count(*) from timeline_index t join resource r on r.rid = t.rid
where t.key = :key(Condition?code=84114007)
    and :facet(Condition?code=http://snomed.info/sct|84114007) = any (r.facets)

-- name: several types
-- order: matches
-- get: /?_type=Condition,Procedure&patient={Patient}&_count=20
-- explain:
select r.wire from token_index t join resource r on r.rid = t.rid
where t.key = any (array[:key(Condition?patient=Patient/{Patient}), :key(Procedure?patient=Patient/{Patient})])
order by r.last_updated desc, r.rid desc limit 20

-- name: compartment
-- order: matches
-- get: /Patient/{Patient}/Condition?_count=20
-- explain: Condition?patient=Patient/{Patient}&_count=20
select r.wire
from (select distinct t.rid from token_index t
    where t.key = any (array[:key(Condition?patient=Patient/{Patient}), :key(Condition?asserter=Patient/{Patient})])
    order by t.rid desc limit 20) d
join resource r on r.rid = d.rid order by d.rid desc
