CALL apply_batch(
  p_team_id => $1::uuid, p_object_type => $2::text, p_items => $3::jsonb, p_atomic => $4::boolean, p_dry_run => $5::boolean,
  p_max_failures => $6::integer, p_minimal => $7::boolean, p_item_durable => $8::boolean, p_record_limit_bytes => $9::integer,
  p_response_limit_bytes => $10::integer, p_lock_timeout_ms => $11::integer, p_budget_ms => $12::integer,
  p_client_id => $13::uuid, p_key_hash => $14::bytea, p_fingerprint => $15::bytea, p_key_lifetime_s => $16::integer,
  p_key_stale_s => $17::integer, p_request_id => $18::text,
  state => NULL, entries => NULL, codes => NULL, replayed => NULL, durations => NULL, completed_by => NULL,
  internal_errors => NULL)
