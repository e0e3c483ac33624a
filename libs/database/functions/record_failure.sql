-- The outcome of an item whose transaction was rolled back by an error. Stores it if no retry can change it.
--
--   p_day           NULL: do not store
--   replayed        another attempt has stored an outcome first: the other results are that outcome
--   internal_error  the SQLSTATE behind the code `internal`, for the log. Not the message: it may contain values of the record
CREATE OR REPLACE FUNCTION record_failure(p_sqlstate text, p_day date, p_team_id uuid, p_client_id uuid, p_key_hash bytea,
                                          p_item integer,
                                          OUT replayed boolean, OUT code text, OUT error text, OUT image record_image,
                                          OUT internal_error text)
LANGUAGE plpgsql AS $$
DECLARE
  v_stored idempotency_items;
BEGIN
  replayed := false;
  code := CASE
    WHEN p_sqlstate IN ('55P03', '40P01', '40001') THEN 'locked' -- lock_not_available, deadlock, serialization failure
    WHEN p_sqlstate IN ('PG002', '54000') THEN 'too_large' -- 54000: program_limit_exceeded
    WHEN p_sqlstate = 'PG003' THEN 'required_property'
    WHEN p_sqlstate IN ('23505', '23P01') THEN 'conflict' -- unique_violation, exclusion_violation
    WHEN p_sqlstate = '57014' THEN 'not_attempted' -- query_canceled
    WHEN left(p_sqlstate, 2) IN ('53', '58') THEN 'unavailable' -- insufficient_resources, system_error
    ELSE 'internal'
  END;
  IF code = 'internal' THEN
    internal_error := p_sqlstate;
  END IF;
  error := item_error(code, false);
  -- The unique violation may be that of the ledger: then another attempt has stored the outcome of this item.
  IF p_day IS NOT NULL AND NOT is_retryable(code)
     AND NOT insert_outcome(p_day, p_team_id, p_client_id, p_key_hash, p_item, code, error, NULL) THEN
    replayed := true;
    SELECT i.* INTO STRICT v_stored FROM idempotency_items AS i
     WHERE i.day = p_day AND i.team_id = p_team_id AND i.client_id = p_client_id AND i.key_hash = p_key_hash
       AND i.item = p_item;
    code := v_stored.code;
    error := v_stored.error;
    image := v_stored.image;
  END IF;
END
$$;
