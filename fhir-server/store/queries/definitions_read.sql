-- SearchParameters by their numbers; without their text where it is too large to be read. The first byte is
-- no part of it.
select rid, type, id, version, last_updated, method,
    case when octet_length(wire) - 1 <= $2 then wire end as wire
from resource where rid = any ($1) and wire is not null order by rid
