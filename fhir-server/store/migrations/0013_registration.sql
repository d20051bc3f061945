-- Who registered a client: people are told of apps that nobody has looked at. Only adds; a server of the release
-- before knows the clients of its settings file alone.
alter table client add column origin smallint not null default 0
    check (origin between 0 and 2); -- 0 an operator, 1 somebody with a token of an operator, 2 itself
