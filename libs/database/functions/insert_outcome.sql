-- Stores the outcome of an item. False if another attempt has stored one first.
CREATE OR REPLACE FUNCTION insert_outcome(p_day date, p_team_id uuid, p_client_id uuid, p_key_hash bytea, p_item integer,
                                          p_code text, p_error text, p_image record_image) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO idempotency_items (day, team_id, client_id, key_hash, item, code, error, image)
  VALUES (p_day, p_team_id, p_client_id, p_key_hash, p_item, p_code, p_error, p_image)
  ON CONFLICT DO NOTHING;
  RETURN FOUND;
END
$$;
