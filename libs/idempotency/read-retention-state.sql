-- How far retention has come. $1: seconds for which a request row is kept, $2: how many days ahead to look.
--
--   overdue_seconds   since when the oldest thing there is could be gone; negative: until then; NULL: there is nothing
--   partitions_ahead  how many days after today, without a gap, have their partition
SELECT EXTRACT(EPOCH FROM now() - make_interval(secs => $1) - LEAST(
         oldest_idempotency_request(),
         (SELECT (min(p.day) + 1)::timestamp AT TIME ZONE 'UTC' FROM ledger_partitions AS p)
       ))::double precision AS overdue_seconds,
       (SELECT COALESCE(min(n) - 1, $2)
          FROM generate_series(1, $2::integer) AS n
         WHERE NOT EXISTS (
           SELECT FROM ledger_partitions AS p
            WHERE p.day = (now() AT TIME ZONE 'UTC')::date + n AND p.attached)) AS partitions_ahead
