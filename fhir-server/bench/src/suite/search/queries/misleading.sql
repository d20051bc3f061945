-- Searches that mislead a planner.

-- name: newest first with a rare quantity
-- order: matches
-- get: /Observation?category=vital-signs&value-quantity=gt130|http://unitsofmeasure.org|kg&_sort=-date&_count=20
select r.wire
from (select distinct t.rid from number_index t
    where t.param = any (:params(Observation?value-quantity=gt130|http://unitsofmeasure.org|kg))
        and t.lo > :at(Observation?value-quantity=gt130|http://unitsofmeasure.org|kg) offset 0) d
join resource r on r.rid = d.rid
where :key(Observation?category=vital-signs) = any (r.keys)
order by (select max(v.lo) from unnest(r.date_param, r.date_lo) v (param, lo)
    where v.param = :param(Observation?date=2025)) desc, r.rid desc limit 20

-- name: newest first with a rare token
-- order: matches
-- get: /Encounter?class=AMB&reason-code=84114007&_sort=-date&_count=20
select r.wire
from token_index t join resource r on r.rid = t.rid
where t.key = :key(Encounter?reason-code=84114007)
    and :key(Encounter?class=AMB) = any (r.keys)
order by (select max(v.lo) from unnest(r.date_param, r.date_lo) v (param, lo)
    where v.param = :param(Encounter?date=2025)) desc, r.rid desc limit 20

-- name: common code of one patient
-- order: index
-- get: /Observation?patient={Patient}&code=http://loinc.org|8867-4&_sort=-date&_count=20
select r.wire from timeline_index t join resource r on r.rid = t.rid
where t.patient = :id(Patient/{Patient}) and t.key = :key(Observation?code=8867-4)
    and :facet(Observation?code=http://loinc.org|8867-4) = any (r.facets)
order by t.at desc, t.rid desc limit 20

-- name: absent code
-- order: index
-- get: /Observation?code=http://loinc.org|99999-9&_sort=-date&_count=20
select r.wire from timeline_index t join resource r on r.rid = t.rid
where t.key = :key(Observation?code=99999-9)
    and :facet(Observation?code=http://loinc.org|99999-9) = any (r.facets)
order by t.at desc, t.rid desc limit 20

-- name: absent code of a patient
-- order: index
-- get: /Observation?patient={Patient}&code=http://loinc.org|99999-9&_count=20
select r.wire from timeline_index t join resource r on r.rid = t.rid
where t.patient = :id(Patient/{Patient}) and t.key = :key(Observation?code=99999-9)
    and :facet(Observation?code=http://loinc.org|99999-9) = any (r.facets)
order by t.at desc, t.rid desc limit 20

-- name: 200 ids
-- order: matches
-- get: /Patient?_id={Patient*200}&_count=20
select r.wire
from (select x.rid from resource x where x.id_hash = any (:ids(Patient?_id={Patient*200}))
    order by x.rid desc limit 20) d
join resource r on r.rid = d.rid order by d.rid desc

-- name: 200 patients, newest first
-- order: matches
-- get: /Condition?patient={Patient*200}&_sort=-onset-date&_count=20
select r.wire
from (select r.rid, (select max(v.lo) from unnest(r.date_param, r.date_lo) v (param, lo)
        where v.param = :param(Condition?onset-date=2025)) as at
    from (select distinct t.rid from token_index t
        where t.key = any (:keys(Condition?patient={Patient*200})) offset 0) d
    join resource r on r.rid = d.rid
    order by at desc, r.rid desc limit 20) d
join resource r on r.rid = d.rid order by d.at desc, d.rid desc

-- name: chained OR
-- order: matches
-- get: /Condition?patient.identifier={Patient.record*20}&_count=20
select r.wire
from (select t.rid
    from token_index p join resource h on h.rid = p.rid
    cross join lateral (select t.rid from token_index t
        where t.key = h.id_hash # :link(Condition?patient.identifier=x) offset 0) t
    where p.key = any (:keys(Patient?identifier={Patient.record*20}))
        and h.facets && :facets(Patient?identifier={Patient.record*20})
    order by t.rid desc limit 20) d
join resource r on r.rid = d.rid order by d.rid desc
