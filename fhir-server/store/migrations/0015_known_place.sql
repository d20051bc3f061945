-- Places that somebody has signed in from, and wrong codes of a device. Who guesses at an account from elsewhere locks it
-- for others from elsewhere; whoever comes from a place that it knows, or has a device to show, still gets in. Only adds.
create table known_place (
    account      bigint not null references account,
    place        bytea not null check (octet_length(place) = 32), -- a keyed digest of the address: nobody reads it here
    seen_at      timestamptz not null default now(), -- when somebody signed in from there last
    failures     integer not null default 0, -- wrong passwords from there since
    locked_until timestamptz,
    primary key (account, place)
);
create index known_place_seen on known_place (seen_at);
grant select, insert, update, delete on known_place to carebridge_auth;

-- Wrong codes are counted apart from wrong passwords, which strangers can bring about.
alter table credential
    add column failures integer not null default 0,
    add column locked_until timestamptz;
