-- What heads are indexed with, so that a change of it is noticed, by whichever server, and done again.

-- `goal` names all of it: the form of the index, what is stored sealed, the search parameters of one's own. A
-- write that was indexed by another goal leaves its head's number in `index_due`. Writers read the goal in the
-- statement that writes; who changes it locks this table first, so that no write is between two goals.
alter table index_state
    add column goal  bigint not null default 0, -- 0: nobody has said
    add column aim   smallint not null default 0, -- the form of the goal; `form` has been reached
    add column seals bigint not null default 0, -- what is sealed by the goal
    add column seen  bigint not null default 0, -- sum of the versions of SearchParameter that the goal is of
    add column types smallint[] not null default '{}', -- whose heads are walked while `form` is reached
    -- One more with each end of a walk, and each batch of `index_due` that is done: who finds the index whole
    -- before a search and after it, with the same number, knows that it was whole meanwhile.
    add column ended bigint not null default 0;

-- The search parameters of the goal that are resources here: what names the definition, the types of it, and
-- whether all heads are indexed by it.
create table index_param (
    digest bigint primary key,
    types  smallint[] not null,
    built  boolean not null
);

-- Heads to be indexed again, one row for each write.
create table index_due (
    due bigint generated always as identity primary key,
    rid bigint not null
);

grant select, insert, update, delete on index_param to carebridge_app;
grant select, insert, delete on index_due to carebridge_app;
