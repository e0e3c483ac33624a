-- The outcomes that the ledger holds of a request.
--
--   stored_size  the bytes of the record that this row itself stores (record_size); 0 if it refers to an earlier item
CREATE OR REPLACE FUNCTION find_outcomes(p_day date, p_team_id uuid, p_client_id uuid, p_key_hash bytea)
RETURNS TABLE (item smallint, code text, error text, image record_image, stored_size bigint)
LANGUAGE sql STABLE AS $$
  SELECT i.item, i.code, i.error, COALESCE(first.image, i.image), record_size(i.image)
    FROM idempotency_items AS i
    LEFT JOIN idempotency_items AS first
      ON first.day = i.day AND first.team_id = i.team_id AND first.client_id = i.client_id
     AND first.key_hash = i.key_hash AND first.item = i.same_as
   WHERE i.day = p_day AND i.team_id = p_team_id AND i.client_id = p_client_id AND i.key_hash = p_key_hash
$$;
