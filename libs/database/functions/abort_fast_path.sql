-- Rolls back the statement that has inserted a request and has not applied it.
CREATE OR REPLACE FUNCTION abort_fast_path() RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'The record has changed, or would be too large: apply_batch runs next.' USING ERRCODE = 'PG007';
END
$$;
