-- One seal, with the patients and persons that its rows name.
with seal as (
    insert into audit_seal (seal, era, month, tx_lo, id_lo, tx_hi, id_hi, count, sealed_at, leaves, head_before,
        head, kid, signature)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
), patient as (
    insert into audit_patient (patient, seal) select patient, $1 from unnest($15::bigint[]) i (patient)
)
insert into audit_person (person, seal) select person, $1 from unnest($16::text[]) i (person)
