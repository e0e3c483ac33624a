-- Marks a request of one outcome as complete in the ledger, with the body of its response as the outcome.
CREATE OR REPLACE FUNCTION complete_request(p_team_id uuid, p_client_id uuid, p_key_hash bytea, p_id bigint, p_day date,
                                            p_completed_by text, p_body text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE idempotency_requests AS q SET complete = true, completed_by = p_completed_by
   WHERE q.team_id = p_team_id AND q.client_id = p_client_id AND q.key_hash = p_key_hash AND q.id = p_id;
  PERFORM store_outcomes(p_day, p_team_id, p_id, p_body, ARRAY[NULL::text], ARRAY[true]);
END
$$;
