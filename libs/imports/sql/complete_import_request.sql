SELECT state, body
  FROM complete_import_request(
    p_team_id => $1::uuid, p_job_id => $2::uuid, p_client_id => $3::uuid, p_key_hash => $4::bytea,
    p_lock_timeout_ms => $5::integer, p_request_id => $6::text, body => $7::text)
