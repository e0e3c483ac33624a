-- up_to travels as text: a Date would cut it to milliseconds.
SELECT removed, up_to::text AS up_to
  FROM purge_idempotency_requests(make_interval(secs => $1), $2::timestamptz, $3::integer)
