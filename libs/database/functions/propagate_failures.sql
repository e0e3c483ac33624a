-- The outcomes of a batch that is one transaction, after it was rolled back: what the failure of some items means for the
-- others.
--
--   p_codes, p_errors  the item error codes in request order (NULL: applied), and error objects as JSON text
--   p_atomic, p_max_failures
--                      as in apply_batch
CREATE OR REPLACE FUNCTION propagate_failures(p_codes text[], p_errors text[], p_atomic boolean, p_max_failures integer,
                                              OUT codes text[], OUT errors text[])
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  v_failed        integer[]; -- the items that failed
  v_final         boolean; -- whether any failure is one that no retry changes
  v_last          integer; -- the item whose failure ended the batch; NULL: none
  v_last_is_final boolean; -- whether that failure, and those before it, are final
BEGIN
  codes := p_codes;
  errors := p_errors;
  SELECT array_agg(o.n ORDER BY o.n), bool_or(NOT is_retryable(o.code)) INTO v_failed, v_final
    FROM unnest(p_codes) WITH ORDINALITY AS o (code, n)
   WHERE o.code IS NOT NULL;
  v_last := v_failed[p_max_failures];
  v_last_is_final := (SELECT bool_and(NOT is_retryable(p_codes[i.n])) FROM unnest(v_failed[:p_max_failures]) AS i (n));
  FOR n IN 1 .. cardinality(p_codes) LOOP
    IF n > v_last THEN
      codes[n] := 'not_attempted';
      errors[n] := item_error('not_attempted', v_last_is_final);
    ELSIF p_atomic AND v_failed IS NOT NULL AND p_codes[n] IS NULL THEN
      codes[n] := 'rolled_back';
      errors[n] := item_error('rolled_back', v_final);
    END IF;
  END LOOP;
END
$$;
