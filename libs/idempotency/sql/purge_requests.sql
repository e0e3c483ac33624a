-- up_to is text, because a Date would truncate it to milliseconds.
SELECT deleted AS removed, deleted_up_to::text AS up_to
  FROM purge_idempotency_requests(make_interval(secs => $1), $2::timestamptz, $3::integer)
