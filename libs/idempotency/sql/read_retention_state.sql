-- The progress of retention. $1: retention time of a request row in seconds, $2: how many days ahead to look for partitions.
--
--   overdue_seconds     for how long the oldest row or partition could have been deleted; negative: the time until then; NULL:
--                       there is nothing to delete
--   partitions_ahead    how many days after today have a partition, up to the first gap
--   transaction_id_age  age of the oldest transaction id that the database may contain, in transaction ids
--   freeze_max_age      the age at which autovacuum freezes old rows (autovacuum_freeze_max_age)
SELECT EXTRACT(EPOCH FROM now() - make_interval(secs => $1) - LEAST(
         oldest_idempotency_request(),
         (SELECT (min(p.day) + 1)::timestamp AT TIME ZONE 'UTC' FROM ledger_partitions AS p)
       ))::double precision AS overdue_seconds,
       (SELECT COALESCE(min(n) - 1, $2)
          FROM generate_series(1, $2::integer) AS n
         WHERE NOT EXISTS (
           SELECT FROM ledger_partitions AS p
            WHERE p.day = (now() AT TIME ZONE 'UTC')::date + n AND p.attached)) AS partitions_ahead,
       (SELECT age(d.datfrozenxid) FROM pg_database AS d WHERE d.datname = current_database()) AS transaction_id_age,
       current_setting('autovacuum_freeze_max_age')::integer AS freeze_max_age
