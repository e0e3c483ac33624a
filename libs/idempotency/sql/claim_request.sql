-- Claims the key of a request that is one transaction, in that transaction. The row stays locked until its end.
--
--   $1 team  $2 client  $3 hash of the key  $4 fingerprint of the request  $5 lifetime of a key  $6 stale time after it, both in seconds
SELECT c.state
  FROM claim_request($1::uuid, $2::uuid, $3::bytea, $4::bytea, make_interval(secs => $5), make_interval(secs => $6), 1,
                     false) AS c
