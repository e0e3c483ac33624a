SELECT state, job_id, items, body
  FROM create_import_job(
    p_team_id => $1::uuid, p_job_id => $2::uuid, p_client_id => $3::uuid, p_client_name => $4::text,
    p_object_type => $5::text, p_within_request => $6::boolean, p_chunks => $7::text[], p_row_counts => $8::integer[],
    p_max_jobs => $9::integer, p_lock_timeout_ms => $10::integer, p_key_hash => $11::bytea, p_fingerprint => $12::bytea,
    p_key_lifetime_s => $13::integer, p_key_stale_s => $14::integer, p_request_id => $15::text)
