-- Completes a request that is one transaction, and stores its only outcome.
SELECT complete_request($1::uuid, $2::uuid, $3::bytea, $4::text, $5::text, $6::text)
