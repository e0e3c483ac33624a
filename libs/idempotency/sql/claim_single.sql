-- Claims the key of a request that is one transaction, in that transaction. The row stays locked until its end.
SELECT c.state
  FROM claim_request($1::uuid, $2::uuid, $3::bytea, $4::bytea, make_interval(secs => $5), make_interval(secs => $6), 1,
                     false) AS c
