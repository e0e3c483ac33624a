-- Completes a request that is one transaction, and stores its only outcome. The transaction has inserted or locked the request row.
--
--   p_completed_by  the request id of the attempt
--   p_entry         the response entry; of an import, the body of the response
--   p_code          the item error code; NULL for success
CREATE OR REPLACE FUNCTION complete_request(p_team_id uuid, p_client_id uuid, p_key_hash bytea, p_completed_by text,
                                            p_entry text, p_code text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_request idempotency_requests;
BEGIN
  UPDATE idempotency_requests AS q SET complete = true, completed_by = p_completed_by
   WHERE q.team_id = p_team_id AND q.client_id = p_client_id AND q.key_hash = p_key_hash
  RETURNING q.* INTO v_request;
  PERFORM store_outcomes(v_request.day, p_team_id, v_request.id, p_entry, ARRAY[p_code], ARRAY[true]);
END
$$;
