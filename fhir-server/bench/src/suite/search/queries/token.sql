-- Tokens and uris: beside each search the best SQL for it. The form is told in `table.rs`.

-- name: identifier
-- order: index
-- get: /Patient?identifier={Patient.record}&_count=20
select r.wire from token_index t join resource r on r.rid = t.rid
where t.key = :key(Patient?identifier={Patient.record})
    and :facet(Patient?identifier={Patient.record}) = any (r.facets)
order by t.rid desc limit 20

-- name: code of a system
-- order: index
-- get: /Observation?code=http://loinc.org|8867-4&_count=20
select r.wire from timeline_index t join resource r on r.rid = t.rid
where t.key = :key(Observation?code=8867-4)
    and :facet(Observation?code=http://loinc.org|8867-4) = any (r.facets)
order by t.at desc, t.rid desc limit 20

-- name: code of any system
-- order: index
-- get: /Condition?code=59621000&_count=20
select r.wire from timeline_index t join resource r on r.rid = t.rid
where t.key = :key(Condition?code=59621000)
order by t.at desc, t.rid desc limit 20

-- name: status
-- order: index
-- get: /Encounter?status=finished&_count=20
select r.wire from token_index t join resource r on r.rid = t.rid
where t.key = :key(Encounter?status=finished)
order by t.rid desc limit 20

-- name: id
-- order: index
-- get: /Patient?_id={Patient}
select r.wire from resource r where r.id_hash = :id(Patient/{Patient})

-- name: security label
-- order: index
-- get: /Patient?_security=HTEST&_count=20
select r.wire from token_index t join resource r on r.rid = t.rid
where t.key = :key(Patient?_security=HTEST)
order by t.rid desc limit 20

-- name: profile, a uri
-- order: index
-- get: /Observation?_profile=http://hl7.org/fhir/us/core/StructureDefinition/us-core-bmi&_count=20
select r.wire from token_index t join resource r on r.rid = t.rid
where t.key = :key(Observation?_profile=http://hl7.org/fhir/us/core/StructureDefinition/us-core-bmi)
order by t.rid desc limit 20

-- name: phone
-- order: index
-- get: /Patient?phone={Patient.phone}&_count=20
select r.wire from token_index t join resource r on r.rid = t.rid
where t.key = :key(Patient?phone={Patient.phone})
order by t.rid desc limit 20
