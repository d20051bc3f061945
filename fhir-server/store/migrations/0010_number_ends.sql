-- Plain numbers begin and end at one value; ranges and quantities with a comparator are found by their end
-- too.
create index number_index_stretch on number_index (param, hi, rid) include (lo) where hi > lo;
