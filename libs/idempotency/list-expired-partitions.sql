-- The days whose every request is past being kept, which is for $1 seconds.
SELECT to_char(p.day, 'YYYY-MM-DD') AS day, p.attached
  FROM ledger_partitions AS p
 WHERE (p.day + 1)::timestamp AT TIME ZONE 'UTC' + make_interval(secs => $1) <= now()
 ORDER BY p.day
