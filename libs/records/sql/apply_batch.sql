CALL apply_batch(
  p_team => $1::uuid, p_object => $2::text, p_items => $3::jsonb, p_together => $4::boolean, p_dry => $5::boolean,
  p_stop => $6::boolean, p_minimal => $7::boolean, p_item_durable => $8::boolean, p_lock_ms => $9::integer,
  p_budget_ms => $10::integer, p_errors => $11::text, p_client => $12::uuid, p_key_hash => $13::bytea,
  p_fingerprint => $14::bytea, p_lifetime_s => $15::integer, p_stale_s => $16::integer, p_request_id => $17::text,
  p_record_limit => $18::integer, p_response_limit => $19::integer,
  state => NULL, entries => NULL, codes => NULL, sources => NULL, ends => NULL, answered_as => NULL, faults => NULL)
