insert into audit (
    at, request_id, action, status, type, version, id, client, subject, token_id, detail)
select * from unnest(
    $1::timestamptz[], $2::text[], $3::int2[], $4::int2[], $5::int2[], $6::int4[], $7::text[],
    $8::text[], $9::text[], $10::text[], $11::text[])
