-- Whether an item in the progress of a request is settled. True if the request has no progress row any more: then it is
-- complete.
CREATE OR REPLACE FUNCTION is_settled(p_team_id uuid, p_request_id bigint, p_item integer) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_settled boolean;
BEGIN
  SELECT get_bit(p.settled, p_item - 1) = 1 INTO v_settled FROM idempotency_progress AS p
   WHERE p.team_id = p_team_id AND p.request_id = p_request_id;
  RETURN COALESCE(v_settled, true);
END
$$;
