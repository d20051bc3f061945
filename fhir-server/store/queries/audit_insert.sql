-- Records of accesses. The patients of row n are those that its offsets span.
insert into audit (
    at, request_id, action, status, type, version, id, client, subject, token_id, detail
--? record
    , interaction, person, address, purpose, rules, recipient, patients
--.
)
select at, request_id, action, status, type, version, id, client, subject, token_id, detail
--? record
    , interaction, person, address, purpose, rules, recipient,
    nullif(($18::bigint[])[from_patient + 1:to_patient], '{}')
--.
from unnest(
    $1::timestamptz[], $2::text[], $3::int2[], $4::int2[], $5::int2[], $6::int4[], $7::text[],
    $8::text[], $9::text[], $10::text[], $11::text[], $12::int2[], $13::text[], $14::inet[], $15::text[],
    $16::text[], $17::text[], ($19::int4[])[:cardinality($19::int4[]) - 1], ($19::int4[])[2:])
    i (at, request_id, action, status, type, version, id, client, subject, token_id, detail, interaction,
        person, address, purpose, rules, recipient, from_patient, to_patient)
