-- Who reviews the record lays and releases holds, each with a row of the record in the same statement. Only adds.
grant insert on audit to carebridge_review;
