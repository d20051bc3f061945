-- The turn to index anew, for the rest of the transaction. The end is set when it begins.
update index_state i set
    last = case when s.last = 0 then coalesce((select max(rid) from resource), 0) else s.last end
from (select one, last from index_state where one for update skip locked) s
where i.one = s.one
returning i.form, i.reached, i.last, i.types, i.goal
