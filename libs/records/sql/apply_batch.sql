CALL apply_batch(
  p_team => $1::uuid, p_object => $2::text, p_items => $3::jsonb, p_mode => $4::text, p_stop => $5::boolean,
  p_minimal => $6::boolean, p_item_durable => $7::boolean, p_lock_ms => $8::integer, p_budget_ms => $9::integer,
  p_errors => $10::jsonb, p_client => $11::uuid, p_key_hash => $12::bytea, p_fingerprint => $13::bytea,
  p_lifetime_s => $14::integer, p_stale_s => $15::integer, p_request_id => $16::text,
  state => NULL, entries => NULL, codes => NULL, sources => NULL, micros => NULL, answered_as => NULL, faults => NULL)
