-- Code systems that the operator imports from their owners' distributions, in the compact form that terminology reads:
-- the resources of a server hold smaller ones. A release that does not know them has no use for these tables.

-- One version of a code system. Another import of the same version takes its place.
create table code_system (
    code_system bigint generated always as identity primary key,
    url         text not null,
    version     text not null default '', -- empty where the distribution names none
    concepts    integer not null,
    size        bigint not null, -- bytes of all parts
    made_at     timestamptz not null default now(),
    unique (url, version)
);

-- Its content, in parts that are written and read one by one. Compressed already.
create table code_system_part (
    code_system bigint not null references code_system on delete cascade,
    seq         integer not null, -- from 0
    bytes       bytea not null,
    primary key (code_system, seq)
);
alter table code_system_part alter column bytes set storage external;

-- Servers read them; the operator's commands change them, together with the row of the record that says so.
grant select on code_system, code_system_part to carebridge_app;
grant select, insert, delete on code_system to carebridge_auth;
grant insert on code_system_part to carebridge_auth;
