-- Rolls back the statement that has inserted a request and has not applied it.
CREATE OR REPLACE FUNCTION undo_request() RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'PG005';
END
$$;
