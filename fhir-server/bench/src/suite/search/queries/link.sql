-- References, chains, `_has` and includes.

-- name: of a patient
-- order: index
-- get: /Observation?patient={Patient}&_count=20
select r.wire from token_index t join resource r on r.rid = t.rid
where t.key = :key(Observation?patient=Patient/{Patient})
order by t.rid desc limit 20

-- name: of an encounter
-- order: index
-- get: /Observation?encounter=Encounter/{Encounter}&_count=20
select r.wire from token_index t join resource r on r.rid = t.rid
where t.key = :key(Observation?encounter=Encounter/{Encounter})
order by t.rid desc limit 20

-- name: of a practitioner
-- order: index
-- get: /Encounter?participant=Practitioner/{Practitioner}&_count=20
select r.wire from token_index t join resource r on r.rid = t.rid
where t.key = :key(Encounter?participant=Practitioner/{Practitioner})
order by t.rid desc limit 20

-- name: chain to an identifier
-- order: matches
-- get: /Observation?patient.identifier={Patient.record}&_count=20
select r.wire
from (select t.rid
    from token_index p join resource h on h.rid = p.rid
    cross join lateral (select t.rid from token_index t
        where t.key = h.id_hash # :link(Observation?patient.identifier=x) offset 0) t
    where p.key = :key(Patient?identifier={Patient.record})
        and :facet(Patient?identifier={Patient.record}) = any (h.facets)
    order by t.rid desc limit 20) d
join resource r on r.rid = d.rid order by d.rid desc

-- name: chain to a name
-- order: matches
-- get: /CarePlan?patient.family={Patient.family}&_count=20
select r.wire
from (select t.rid
    from (select distinct s.rid from string_index s
        where s.param = :param(Patient?family=x)
            and s.value >= :text(Patient?family={Patient.family})
            and s.value < :text(Patient?family={Patient.family}) || U&'\+10FFFF') p
    join resource h on h.rid = p.rid
    cross join lateral (select t.rid from token_index t
        where t.key = h.id_hash # :link(CarePlan?patient.identifier=x) offset 0) t
    order by t.rid desc limit 20) d
join resource r on r.rid = d.rid order by d.rid desc

-- name: chain, two deep
-- order: matches
-- get: /Encounter?subject:Patient.general-practitioner:Practitioner.identifier={Practitioner.record}&_count=20
select r.wire
from (select t.rid
    from token_index d join resource doctor on doctor.rid = d.rid
    cross join lateral (select t.rid from token_index t
        where t.key = doctor.id_hash # :link(Patient?general-practitioner:Practitioner.identifier=x)
        offset 0) p
    join resource patient on patient.rid = p.rid
    cross join lateral (select t.rid from token_index t
        where t.key = patient.id_hash # :link(Encounter?subject:Patient.identifier=x) offset 0) t
    where d.key = :key(Practitioner?identifier={Practitioner.record})
        and :facet(Practitioner?identifier={Practitioner.record}) = any (doctor.facets)
    order by t.rid desc limit 20) d
join resource r on r.rid = d.rid order by d.rid desc

-- name: _has a rare code
-- order: matches
-- get: /Patient?_has:Condition:patient:code=http://snomed.info/sct|84114007&_count=20
select r.wire
from (select distinct p.rid
    from timeline_index t join resource c on c.rid = t.rid
    join resource p on p.id_hash = t.patient
    where t.key = :key(Condition?code=84114007)
        and :facet(Condition?code=http://snomed.info/sct|84114007) = any (c.facets)
    order by p.rid desc limit 20) d
join resource r on r.rid = d.rid order by d.rid desc

-- name: _has among a practitioner's
-- order: matches
-- get: /Patient?general-practitioner=Practitioner/{Practitioner}&_has:Condition:patient:code=44054006&_count=20
select r.wire from token_index t join resource r on r.rid = t.rid
where t.key = :key(Patient?general-practitioner=Practitioner/{Practitioner})
    and exists (select from timeline_index c where c.patient = r.id_hash
        and c.key = :key(Condition?code=44054006))
order by t.rid desc limit 20

-- name: _include
-- order: index
-- get: /MedicationRequest?patient={Patient}&_include=MedicationRequest:requester&_count=20
-- answer: set
with page as materialized (
    select r.wire, r.keys from token_index t join resource r on r.rid = t.rid
    where t.key = :key(MedicationRequest?patient=Patient/{Patient})
    order by t.rid desc limit 20),
joined as (
    select distinct x.rid from page cross join unnest(page.keys) k (key)
    cross join lateral (select x.rid from resource x
        where x.id_hash = k.key # :link(MedicationRequest?requester:Practitioner.name=x) offset 0) x)
select page.wire from page
union all
select r.wire from joined join resource r on r.rid = joined.rid

-- name: _revinclude
-- order: matches
-- get: /Patient?_id={Patient}&_revinclude=Condition:subject
-- answer: set
select r.wire from resource r where r.id_hash = :id(Patient/{Patient})
union all
select r.wire from token_index t join resource r on r.rid = t.rid
where t.key = :key(Condition?patient=Patient/{Patient})
