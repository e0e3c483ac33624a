-- Raises PG007, which rolls back patch_record_keyed: it has inserted the request but has not patched the record.
CREATE OR REPLACE FUNCTION abort_fast_path() RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the record has changed, or would be too large: apply_batch runs next' USING ERRCODE = 'PG007';
END
$$;
