-- People, apps, rights, keys and a record that can be proven (ADR 0010). Only adds: a server of the release
-- before goes on beside it, and a server of this release runs without it, for configured clients alone.

-- Beside the application (`carebridge_app`) and the writer of the record (`carebridge_audit`): who signs people
-- in and issues tokens, who seals the record, who reads it. The application can read neither credentials nor
-- the record.
do $$
declare
    name text;
begin
    foreach name in array array['carebridge_auth', 'carebridge_seal', 'carebridge_review'] loop
        begin
            execute format('create role %I nologin', name);
        exception
            when duplicate_object or unique_violation then null;
        end;
        execute format('grant %I to current_user', name);
    end loop;
end
$$;

grant usage on schema public to carebridge_auth, carebridge_seal, carebridge_review;

-- Clients --------------------------------------------------------------------------------------------------

-- Apps and services that registered. Those of the settings file are known beside it. A row may go; what it was
-- given (`approval`) and what it did (`audit`) keep its id.
create table client (
    client      text primary key check (client ~ '^[A-Za-z0-9._-]{1,64}$'),
    name        text not null check (name <> ''), -- what the consent page calls it
    kind        smallint not null, -- how it proves itself: 0 not at all (public), 1 a secret, 2 a key
    class       smallint not null check (class between 0 and 2), -- 0 staff's own UI, 1 SMART app, 2 backend
    secret      text check (secret ~ '^sha256[$].{8,}[$][0-9a-f]{64}$'), -- salted digest
    jwks        jsonb check (jsonb_typeof(jwks -> 'keys') = 'array'),
    jwks_url    text check (jwks_url like 'https://%'),
    redirects   text[] not null default '{}',
    launch_url  text,
    scopes      text not null, -- the most it may be granted
    site        smallint not null default 0 references site,
    gen         integer not null default 0 check (gen >= 0), -- tokens of a lower one are over
    made_at     timestamptz not null default now(),
    disabled_at timestamptz,
    constraint client_proof check (case kind
        when 0 then secret is null and jwks is null and jwks_url is null
        when 1 then secret is not null and jwks is null and jwks_url is null
        when 2 then secret is null and num_nonnulls(jwks, jwks_url) = 1
        else false
    end)
);

-- People -----------------------------------------------------------------------------------------------------

-- Who can sign in. Never deleted, for the record names it.
create table account (
    account      bigint generated always as identity primary key,
    sub          text not null unique, -- as tokens name it: opaque, never given to another
    login        text not null unique check (login = lower(login) and login <> ''),
    fhir_user    text check (
        fhir_user ~ '^(Practitioner|PractitionerRole|Patient|RelatedPerson|Person)/[A-Za-z0-9.-]{1,64}$'),
    roles        text[] not null default '{}',
    orgs         text[] not null default '{}' check (cardinality(orgs) <= 8), -- ids of Organization
    gen          integer not null default 0 check (gen >= 0), -- tokens of a lower one are over
    failures     integer not null default 0 check (failures >= 0), -- in a row
    locked_until timestamptz,
    made_at      timestamptz not null default now(),
    disabled_at  timestamptz
);

-- How an account proves itself. The columns that a kind does not speak of are null.
create table credential (
    credential bigint generated always as identity primary key,
    account    bigint not null references account on delete cascade,
    kind       smallint not null, -- 0 password, 1 TOTP, 2 recovery code, 3 external log-in
    password   text check (password like '$argon2id$%'), -- PHC string
    sealed     text, -- the TOTP secret, sealed under the data key `secret`
    step       bigint, -- the last step of TOTP that was used: each counts once
    digest     bytea check (octet_length(digest) = 32), -- SHA-256 of a recovery code
    issuer     text, -- of the external log-in, with its `sub`
    subject    text,
    used_at    timestamptz, -- a recovery code counts once
    made_at    timestamptz not null default now(),
    constraint credential_kind check (case kind
        when 0 then password is not null and num_nonnulls(sealed, step, digest, issuer, subject, used_at) = 0
        when 1 then sealed is not null and num_nonnulls(password, digest, issuer, subject, used_at) = 0
        when 2 then digest is not null and num_nonnulls(password, sealed, step, issuer, subject) = 0
        when 3 then num_nonnulls(issuer, subject) = 2
            and num_nonnulls(password, sealed, step, digest, used_at) = 0
        else false
    end)
);
create unique index credential_one on credential (account, kind) where kind in (0, 1);
create unique index credential_external on credential (issuer, subject) where kind = 3;
create index credential_account on credential (account);

-- Who is signed in to our own pages, by cookie.
create table session (
    session bigint generated always as identity primary key,
    digest  bytea not null unique check (octet_length(digest) = 32), -- SHA-256 of the cookie
    account bigint not null references account on delete cascade,
    factors smallint not null check (factors > 0), -- bits: 1 password, 2 TOTP, 4 recovery code, 8 external log-in
    proved_at timestamptz not null default now(), -- the newest factor
    seen_at timestamptz not null default now(),
    made_at timestamptz not null default now(),
    ends_at timestamptz not null check (ends_at > made_at)
);
create index session_account on session (account);
create index session_ends on session (ends_at);

-- Patients whom an account stands for, beside the patient it is.
create table proxy (
    account    bigint not null references account on delete cascade,
    patient    text not null check (patient ~ '^[A-Za-z0-9.-]{1,64}$'),
    until      timestamptz, -- null: until it is taken back
    granted_by bigint not null references account,
    made_at    timestamptz not null default now(),
    primary key (account, patient)
);

-- Authorizations ---------------------------------------------------------------------------------------------

-- What one authorization came to: the consent that was given, the family of refresh tokens, the `grant` of
-- access tokens. Never deleted. `client` may be of the settings file, or gone, so it refers to no row. No
-- refresh token is stored: it is `approval.seq.MAC` over `salt`, and only the newest `seq` is good.
create table approval (
    approval   bigint generated always as identity primary key,
    account    bigint not null references account,
    client     text not null,
    scopes     text not null,
    patient    text check (patient ~ '^[A-Za-z0-9.-]{1,64}$'), -- of the launch context; the rest beside it
    context    jsonb not null default '{}' check (jsonb_typeof(context) = 'object'),
    purpose    text, -- of use, as `TREAT`
    offline    boolean not null,
    session    bigint references session on delete set null, -- without one, only offline access goes on
    salt       bytea not null check (octet_length(salt) = 32),
    seq        integer not null default 0 check (seq >= 0),
    rotated_at timestamptz,
    made_at    timestamptz not null default now(),
    ends_at    timestamptz not null check (ends_at > made_at),
    revoked_at timestamptz
);
create index approval_account on approval (account);
create index approval_session on approval (session);
create index approval_client on approval (client) where revoked_at is null;

-- Authorization codes. A code that is used again revokes its approval.
create table code (
    digest    bytea primary key check (octet_length(digest) = 32), -- SHA-256
    approval  bigint not null references approval,
    redirect  text not null,
    challenge text not null check (challenge ~ '^[A-Za-z0-9_-]{43}$'), -- S256
    nonce     text,
    used_at   timestamptz,
    ends_at   timestamptz not null
);
create index code_ends on code (ends_at);

-- EHR launches: what a user of ours had open when an app was started from it.
create table launch (
    digest    bytea primary key check (octet_length(digest) = 32), -- SHA-256
    session   bigint not null references session on delete cascade,
    client    text not null,
    patient   text check (patient ~ '^[A-Za-z0-9.-]{1,64}$'),
    encounter text check (encounter ~ '^[A-Za-z0-9.-]{1,64}$'),
    context   jsonb not null default '{}' check (jsonb_typeof(context) = 'object'), -- banner, style, intent
    used_at   timestamptz,
    ends_at   timestamptz not null
);
create index launch_session on launch (session);
create index launch_ends on launch (ends_at);

-- Client assertions that were used: each `jti` counts once. Kept until they would have ended anyway.
create table used_assertion (
    client  text not null,
    digest  bytea not null check (octet_length(digest) = 32), -- SHA-256 of the `jti`
    ends_at timestamptz not null,
    primary key (client, digest)
);
create index used_assertion_ends on used_assertion (ends_at);

-- Access in an emergency, beyond relationship and consent: one patient, an hour at most, a reason, and somebody
-- else who looks at it afterwards.
create table break_glass (
    break_glass bigint generated always as identity primary key,
    account     bigint not null references account,
    approval    bigint not null unique references approval,
    patient     text not null check (patient ~ '^[A-Za-z0-9.-]{1,64}$'),
    reason      text not null, -- sealed under the data key `secret`
    made_at     timestamptz not null default now(),
    ends_at     timestamptz not null,
    alerted_at  timestamptz,
    reviewed_by bigint references account,
    reviewed_at timestamptz,
    verdict     smallint check (verdict between 0 and 1), -- 0 not justified, 1 justified
    constraint break_glass_short check (ends_at > made_at and ends_at <= made_at + interval '60 minutes'),
    constraint break_glass_other check (reviewed_by <> account),
    constraint break_glass_review check (num_nonnulls(reviewed_by, reviewed_at, verdict) in (0, 3))
);
create index break_glass_unalerted on break_glass (made_at) where alerted_at is null;
create index break_glass_unreviewed on break_glass (made_at) where reviewed_at is null;

-- Keys and revocations ---------------------------------------------------------------------------------------

-- Keys that sign tokens. Published before they sign, and until their last token has ended.
create table signing_key (
    kid             text primary key,
    alg             text not null check (alg in ('ES256', 'RS256')), -- access tokens, identity tokens
    public          jsonb not null check (jsonb_typeof(public) = 'object'), -- as the JWKS shows it
    private         text not null, -- sealed under the data key `auth`
    made_at         timestamptz not null default now(),
    signs_from      timestamptz not null,
    signs_until     timestamptz,
    published_until timestamptz,
    constraint signing_key_order check (signs_from <= signs_until and signs_until <= published_until)
);

-- What every server must hear: each asks for the rows of the last minute, and at its start for all.
create table auth_change (
    change bigint generated always as identity primary key,
    at     timestamptz not null default now(),
    -- Over: 0 an approval, 1 a session, 2 a token (its `jti`); all tokens below a generation: 3 of an account,
    -- 4 of a client. To be read anew: 5 the keys, 6 a client, 7 whether there are consents.
    kind   smallint not null check (kind between 0 and 7),
    name   text not null,
    gen    integer,
    until  timestamptz not null, -- the longest life of a token that it speaks of
    constraint auth_change_gen check ((gen is not null) = (kind in (3, 4)))
);
create index auth_change_at on auth_change (at);
create index auth_change_until on auth_change (until);

-- Keys that data is sealed with, themselves wrapped under a key that is kept elsewhere. A new one of a purpose
-- retires the one before, which goes on opening what it sealed. Numbers are never used again.
create table data_key (
    number     integer generated always as identity primary key,
    purpose    smallint not null check (purpose between 0 and 4), -- 0 seal, 1 blind, 2 auth, 3 record, 4 secret
    kek        text not null, -- names the key that it is wrapped under
    wrapped    bytea not null,
    made_at    timestamptz not null default now(),
    retired_at timestamptz
);
create unique index data_key_current on data_key (purpose) where retired_at is null;

-- With which data key a blob's chunks are sealed; null: they are not.
alter table blob add column key integer references data_key;

-- Rights that lie in resources ---------------------------------------------------------------------------------

-- Who gives a patient care: written with the version that says so, as its index is.
create table care (
    patient bigint not null, -- identities, as `patients` holds them
    member  bigint not null,
    source  bigint not null, -- `rid` of the resource that says so
    until   timestamptz, -- null: for as long as the source stands
    primary key (patient, member, source)
);
create index care_source on care (source);

-- What Consent resources allow and deny, a row for each provision. Null is any; between sources denial wins.
create table consent_rule (
    source   bigint not null, -- `rid` of the Consent
    place    smallint not null, -- of the provision in it
    patient  bigint not null,
    effect   smallint not null check (effect between 0 and 1), -- 0 deny, 1 permit
    depth    smallint not null check (depth between 0 and 1), -- 0 the root, 1 an exception of it
    types    smallint[],
    keys     bigint[], -- labels and codes, as `resource.keys` holds them
    actors   bigint[], -- identities
    actions  smallint, -- bits, in the order of `cruds`
    purposes text[],
    since    timestamptz,
    until    timestamptz,
    primary key (source, place),
    constraint consent_rule_time check (since < until)
);
create index consent_rule_patient on consent_rule (patient);

-- The record --------------------------------------------------------------------------------------------------

alter table audit
    -- The transaction that wrote it, so that sealing passes no late commit over. `bigint`, for which a BRIN
    -- index has operators. Rows of before have none.
    add column tx          bigint,
    add column interaction smallint, -- of FHIR; numbered in the code
    add column patients    bigint[], -- identities of those whom it is about
    add column person      text, -- the user as a resource: `Practitioner/1`
    add column address     inet, -- where it was asked from
    add column purpose     text, -- of use
    add column rules       text, -- which rules withheld or refused: `consent:Consent/7 label:ETH`
    add column recipient   text; -- to whom it was disclosed
-- Set apart from the column: so no row of before is written anew, and servers of the release before fill it too.
alter table audit alter column tx set default pg_current_xact_id()::text::bigint;

-- One index for both, so a row pays once.
create index audit_place on audit using brin (at, tx) with (autosummarize = on);
drop index audit_at;

-- Public halves of the keys that sign seals; the private half, where it is kept here, is sealed under the data
-- key `record`.
create table audit_key (
    kid     text primary key,
    public  jsonb not null check (jsonb_typeof(public) = 'object'),
    private text,
    made_at timestamptz not null default now()
);

-- Seals: each covers the rows from one place to another in the order of (tx, audit_id), all of one month, and
-- the head of the seal before. Rows of before there was `tx` count as of tx 0.
create table audit_seal (
    seal      bigint primary key check (seal > 0), -- without gaps
    era       integer not null default 0, -- one more where transactions begin to count anew, after a restore
    month     date not null check (month = date_trunc('month', month)),
    tx_lo     bigint not null, -- first row
    id_lo     bigint not null,
    tx_hi     bigint not null, -- last row
    id_hi     bigint not null,
    count     integer not null check (count between 1 and 10000),
    sealed_at timestamptz not null default now(),
    leaves    bytea not null, -- 16 bytes a row, in order; empty once the month is gone
    head_before bytea not null check (octet_length(head_before) = 32),
    head      bytea not null unique check (octet_length(head) = 32),
    kid       text not null references audit_key,
    signature bytea not null check (octet_length(signature) = 64),
    constraint audit_seal_order check ((tx_lo, id_lo) <= (tx_hi, id_hi)),
    constraint audit_seal_leaves check (octet_length(leaves) in (0, 16 * count))
);
alter table audit_seal alter column leaves set storage external; -- Digests do not compress.
create index audit_seal_month on audit_seal (month);

-- Which seals name a patient, and a person: where to look without reading the whole record.
create table audit_patient (
    patient bigint not null,
    seal    bigint not null references audit_seal,
    primary key (patient, seal)
);
create table audit_person (
    person text not null,
    seal   bigint not null references audit_seal,
    primary key (person, seal)
);
create index audit_patient_seal on audit_patient (seal);
create index audit_person_seal on audit_person (seal);

-- Months that must stay: of one patient, of one person, or of everybody; in a period or always.
create table audit_hold (
    hold        bigint generated always as identity primary key,
    patient     bigint,
    person      text,
    begins      date, -- null: from the beginning
    ends        date, -- null: without an end
    reason      text not null check (reason <> ''),
    made_by     text not null,
    made_at     timestamptz not null default now(),
    released_by text,
    released_at timestamptz,
    constraint audit_hold_order check (begins <= ends),
    constraint audit_hold_release check (num_nonnulls(released_by, released_at) in (0, 2)),
    constraint audit_hold_one check (num_nonnulls(patient, person) <= 1)
);

-- The signed record of each month that went, so that its absence is explained.
create table audit_drop (
    month      date primary key check (month = date_trunc('month', month)),
    rows       bigint not null,
    seal_lo    bigint not null references audit_seal,
    seal_hi    bigint not null references audit_seal,
    dropped_at timestamptz not null default now(),
    kid        text not null references audit_key,
    signature  bytea not null check (octet_length(signature) = 64)
);

-- Drops a month of the record and leaves its signed trace; returns how many rows went. Only the owner can change
-- the record, so this runs as the owner, and refuses (CB002) what must stay: a month that is younger than the
-- retention, or than six years whoever asks; under hold; or not sealed to its last row.
create function drop_audit_month(gone date, keep_months integer, signed_by text, signature bytea)
returns bigint language plpgsql
security definer set search_path = public, pg_temp set lock_timeout = '2s' as $$
declare
    partition text := 'audit' || to_char(gone, '_YYYY_MM');
    held      bigint;
    sealed    bigint;
    first     bigint;
    last      bigint;
begin
    if gone <> date_trunc('month', gone)
        or gone + make_interval(months => 1 + greatest(keep_months, 72)) > now() at time zone 'UTC' then
        raise exception 'the month is to be kept' using errcode = 'CB002';
    end if;
    -- Nobody adds a row or a hold meanwhile.
    execute format('lock table %I in access exclusive mode', partition);
    lock table audit_hold in share mode;
    if exists (
        select from audit_hold h
        where h.released_at is null
            and coalesce(h.begins, '-infinity') < gone + interval '1 month'
            and coalesce(h.ends, 'infinity') >= gone
            and (num_nonnulls(h.patient, h.person) = 0
                or exists (select from audit_patient p join audit_seal s using (seal)
                    where p.patient = h.patient and s.month = gone)
                or exists (select from audit_person p join audit_seal s using (seal)
                    where p.person = h.person and s.month = gone))
    ) then
        raise exception 'the month is under hold' using errcode = 'CB002';
    end if;
    execute format('select count(*) from %I', partition) into held;
    select coalesce(sum(count), 0), min(seal), max(seal) into sealed, first, last
        from audit_seal where month = gone;
    if held = 0 or held <> sealed then
        raise exception 'the month is not sealed to its last row' using errcode = 'CB002';
    end if;
    insert into audit_drop (month, rows, seal_lo, seal_hi, kid, signature)
        values (gone, held, first, last, signed_by, signature);
    delete from audit_patient p using audit_seal s where s.seal = p.seal and s.month = gone;
    delete from audit_person p using audit_seal s where s.seal = p.seal and s.month = gone;
    update audit_seal set leaves = '' where month = gone;
    execute format('drop table %I', partition);
    return held;
end
$$;
revoke execute on function drop_audit_month from public;
grant execute on function drop_audit_month to carebridge_seal;

-- Rows go into the next months' partitions by the application alone.
revoke execute on function ensure_partitions from public;

-- Who may do what ------------------------------------------------------------------------------------------------

grant select, insert, update, delete on
    client, credential, session, proxy, code, launch, used_assertion, auth_change
    to carebridge_auth;
grant select, insert, update on account, approval, break_glass, signing_key, data_key to carebridge_auth;
grant insert on auth_change to carebridge_app;
grant select on data_key to carebridge_app, carebridge_seal;
grant select, insert, update, delete on care, consent_rule to carebridge_app;
grant select on care, consent_rule to carebridge_auth; -- polls whether there are any
grant insert on audit to carebridge_auth;
grant select on audit to carebridge_seal, carebridge_review;
grant select, insert on audit_seal, audit_key, audit_patient, audit_person to carebridge_seal;
grant select on audit_drop, audit_hold to carebridge_seal;
grant select on
    account, approval, break_glass, care, consent_rule, audit_seal, audit_key, audit_patient, audit_person
    to carebridge_review;
grant select, insert, update on audit_drop, audit_hold to carebridge_review;
