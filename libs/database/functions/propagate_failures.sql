-- The outcomes of a batch that is one transaction, after it was rolled back: what the failure of some items means for the
-- others.
--
--   p_codes, p_errors  the item error codes in request order (NULL: applied), and error objects as JSON text
--   p_atomic, p_stop   as in apply_batch
CREATE OR REPLACE FUNCTION propagate_failures(p_codes text[], p_errors text[], p_atomic boolean, p_stop boolean,
                                              OUT codes text[], OUT errors text[])
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  v_first integer; -- the first item that failed
  v_final boolean; -- whether any failure is one that no retry changes
BEGIN
  codes := p_codes;
  errors := p_errors;
  SELECT min(o.n), bool_or(NOT is_retryable(o.code)) INTO v_first, v_final
    FROM unnest(p_codes) WITH ORDINALITY AS o (code, n)
   WHERE o.code IS NOT NULL;
  FOR n IN 1 .. cardinality(p_codes) LOOP
    IF p_stop AND n > v_first THEN
      codes[n] := 'not_attempted';
      errors[n] := item_error('not_attempted', NOT is_retryable(p_codes[v_first]));
    ELSIF p_atomic AND v_first IS NOT NULL AND p_codes[n] IS NULL THEN
      codes[n] := 'rolled_back';
      errors[n] := item_error('rolled_back', v_final);
    END IF;
  END LOOP;
END
$$;
