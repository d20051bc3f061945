-- People who are away: at another provider, to sign in there. Found by a cookie of the browser that went; a few minutes
-- later they are back, or are not waited for any more. Only adds.
create table away (
    digest  bytea primary key check (octet_length(digest) = 32), -- SHA-256 of the cookie
    issuer  text not null, -- the provider
    path    text not null check (path like '/auth/%'), -- where they go on
    back_at timestamptz, -- each is back once
    subject text, -- who they are there, once that is proved and no account is linked to it
    shown   text, -- the same in words that they know
    ends_at timestamptz not null,
    constraint away_back check (subject is null or back_at is not null)
);
create index away_ends on away (ends_at);
grant select, insert, update, delete on away to carebridge_auth;
