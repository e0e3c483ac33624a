-- The outcome of an item whose transaction was rolled back by an error. The SQLSTATEs that the functions raise:
--
--   PG002  the record would exceed its size limit (enforce_record_limits)
--   PG003  an operator would leave a required property without elements (patch_block)
--   PG004  another attempt has settled the item (apply_batch, which then takes over its outcome)
--   PG005  an increment has a result that cannot be stored exactly (increment_number)
--   PG006  an increment of a value that is not a number (increment_number)
--
--   p_detail        the DETAIL of the error: for an increment that is rejected, the path of the field in the item
--   internal_error  the SQLSTATE behind the code `internal`, for the log, and that of a server that has become read-only. Not the
--                   message: it may contain values of the record
CREATE OR REPLACE FUNCTION item_failure(p_sqlstate text, p_detail text, OUT code text, OUT error text, OUT internal_error text)
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  code := CASE
    WHEN p_sqlstate IN ('55P03', '40P01', '40001') THEN 'locked' -- lock_not_available, deadlock, serialization failure
    WHEN p_sqlstate IN ('PG002', '54000') THEN 'too_large' -- 54000: program_limit_exceeded
    WHEN p_sqlstate = 'PG003' THEN 'required_property'
    WHEN p_sqlstate IN ('PG005', 'PG006') THEN 'invalid_property'
    WHEN p_sqlstate IN ('23505', '23P01') THEN 'conflict' -- unique_violation, exclusion_violation
    WHEN p_sqlstate IN ('57014', '25006') THEN 'not_attempted' -- query_canceled, read_only_sql_transaction
    WHEN left(p_sqlstate, 2) IN ('08', '53', '58') THEN 'unavailable' -- another node, insufficient_resources, system_error
    ELSE 'internal'
  END;
  IF code = 'internal' OR p_sqlstate = '25006' THEN
    internal_error := p_sqlstate;
  END IF;
  error := CASE WHEN code = 'invalid_property'
    THEN invalid_property_error(p_detail, CASE p_sqlstate
      WHEN 'PG005' THEN 'would be a number that cannot be stored exactly as a double, or is not within ±(2^53 − 1)'
      WHEN 'PG006' THEN 'cannot be incremented: its value is not a number'
    END)
    ELSE item_error(code, false) END;
END
$$;
