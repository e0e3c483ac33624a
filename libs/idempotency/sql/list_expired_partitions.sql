-- The days all of whose requests are older than the retention time. $1: retention time in seconds.
SELECT to_char(p.day, 'YYYY-MM-DD') AS day, p.attached
  FROM ledger_partitions AS p
 WHERE (p.day + 1)::timestamp AT TIME ZONE 'UTC' + make_interval(secs => $1) <= now()
 ORDER BY p.day
