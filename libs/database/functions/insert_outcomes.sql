-- Stores the outcomes of a batch that is one transaction, in request order. False if another attempt has stored one first.
CREATE OR REPLACE FUNCTION insert_outcomes(p_day date, p_team_id uuid, p_client_id uuid, p_key_hash bytea, p_codes text[],
                                           p_errors text[], p_images record_image[], p_replayed boolean[]) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  FOR n IN 1 .. cardinality(p_codes) LOOP
    IF NOT p_replayed[n]
       AND NOT insert_outcome(p_day, p_team_id, p_client_id, p_key_hash, n, p_codes[n], p_errors[n], p_images[n]) THEN
      RETURN false;
    END IF;
  END LOOP;
  RETURN true;
END
$$;
