-- Whether any rule denies something, and whether there are Consents of which the rules are not written yet: all are
-- written once the index has this release's form.
select
    exists (select from consent_rule where effect = 0) as some,
    i.form < $1 and exists (select from resource r where r.type = $2 and r.method <> 2) as unread
from index_state i where i.one
