-- Strings, dates, quantities and composites.

-- name: string by its beginning
-- order: matches
-- get: /Patient?family={Patient.family}&_count=20
select r.wire
from (select distinct t.rid from string_index t
    where t.param = :param(Patient?family=x)
        and t.value >= :text(Patient?family={Patient.family})
        and t.value < :text(Patient?family={Patient.family}) || U&'\+10FFFF'
    order by t.rid desc limit 20) d
join resource r on r.rid = d.rid order by d.rid desc

-- name: string, exact
-- order: matches
-- get: /Patient?family:exact={Patient.family}&given:exact={Patient.given}&_count=20
select r.wire
from (select distinct t.rid from string_index t
    where t.param = :param(Patient?family=x)
        and t.value = :text(Patient?family={Patient.family})
    order by t.rid desc offset 0) d
join resource r on r.rid = d.rid
where :facet(Patient?family:exact={Patient.family}) = any (r.facets)
    and :facet(Patient?given:exact={Patient.given}) = any (r.facets)
order by d.rid desc limit 20

-- name: string, contained
-- order: matches
-- get: /Patient?name:contains=ndgr&_count=20
select r.wire
from (select distinct t.rid from string_index t
    where t.param = any (:params(Patient?name:contains=ndgr))
        and strpos(t.value, :text(Patient?name:contains=ndgr)) > 0
    order by t.rid desc limit 20) d
join resource r on r.rid = d.rid order by d.rid desc

-- name: name and born since
-- order: matches
-- get: /Patient?family={Patient.family}&birthdate=ge1980-01-01&_count=20
select r.wire
from (select distinct t.rid from string_index t
    where t.param = :param(Patient?family=x)
        and t.value >= :text(Patient?family={Patient.family})
        and t.value < :text(Patient?family={Patient.family}) || U&'\+10FFFF'
    order by t.rid desc offset 0) d
join resource r on r.rid = d.rid
where exists (select from unnest(r.date_param, r.date_lo) v (param, lo)
    where v.param = :param(Patient?birthdate=ge1980-01-01)
        and v.lo >= :lo(Patient?birthdate=ge1980-01-01))
order by d.rid desc limit 20

-- name: born on a day
-- order: matches
-- get: /Patient?birthdate={Patient.birthdate}&_count=20
select r.wire
from (select distinct t.rid from date_index t
    where t.param = :param(Patient?birthdate={Patient.birthdate})
        and t.lo >= :lo(Patient?birthdate={Patient.birthdate})
        and t.lo < :hi(Patient?birthdate={Patient.birthdate})
    order by t.rid desc limit 20) d
join resource r on r.rid = d.rid order by d.rid desc

-- name: in a week
-- order: matches
-- get: /Encounter?date=ge2025-06-02&date=lt2025-06-09&_count=20
select r.wire
from (select distinct u.rid from (
        select t.rid from date_index t
        where t.param = :param(Encounter?date=2025-06-02)
            and t.lo > :lo(Encounter?date=2025-06-01) and t.lo < :lo(Encounter?date=2025-06-09)
            and t.hi > :lo(Encounter?date=2025-06-02)
        union all
        select t.rid from date_index t
        where t.param = :param(Encounter?date=2025-06-02)
            and t.hi > :lo(Encounter?date=2025-06-02) and t.hi > t.lo + 86400000000
            and t.lo < :lo(Encounter?date=2025-06-09)) u
    order by u.rid desc limit 20) d
join resource r on r.rid = d.rid order by d.rid desc

-- name: of a patient, since a day
-- order: matches
-- get: /Observation?patient={Patient}&date=ge2025-01-01&_count=20
select r.wire from token_index t join resource r on r.rid = t.rid
where t.key = :key(Observation?patient=Patient/{Patient})
    and exists (select from unnest(r.date_param, r.date_lo) v (param, lo)
        where v.param = :param(Observation?date=2025-01-01)
            and v.lo >= :lo(Observation?date=2025-01-01))
order by t.rid desc limit 20

-- name: quantity in a unit
-- order: matches
-- get: /Observation?value-quantity=gt41|http://unitsofmeasure.org|kg/m2&_count=20
select r.wire
from (select distinct t.rid from number_index t
    where t.param = any (:params(Observation?value-quantity=gt41|http://unitsofmeasure.org|kg/m2))
        and t.lo > :at(Observation?value-quantity=gt41|http://unitsofmeasure.org|kg/m2)
    order by t.rid desc limit 20) d
join resource r on r.rid = d.rid order by d.rid desc

-- name: quantity in another unit
-- order: matches
-- get: /Observation?value-quantity=gt0.13|http://unitsofmeasure.org|t&_count=20
select r.wire
from (select distinct t.rid from number_index t
    where t.param = any (:params(Observation?value-quantity=gt0.13|http://unitsofmeasure.org|t))
        and t.lo > :at(Observation?value-quantity=gt0.13|http://unitsofmeasure.org|t)
    order by t.rid desc limit 20) d
join resource r on r.rid = d.rid order by d.rid desc

-- name: composite of code and quantity
-- order: matches
-- get: /Observation?code-value-quantity=http://loinc.org|4548-4$gt8|http://unitsofmeasure.org|%25&_count=20
select r.wire
from (select distinct t.rid from number_index t
    where t.param = any (:params(Observation?code-value-quantity=http://loinc.org|4548-4$gt8|http://unitsofmeasure.org|%25))
        and t.lo > :at(Observation?code-value-quantity=http://loinc.org|4548-4$gt8|http://unitsofmeasure.org|%25)
    order by t.rid desc limit 20) d
join resource r on r.rid = d.rid order by d.rid desc
