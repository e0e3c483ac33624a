-- Whether an item that failed with this code can succeed in a retry. NULL for NULL. Equal to `retryable` in the catalogue of
-- item errors (libs/errors), for the codes that the database reports.
CREATE OR REPLACE FUNCTION is_retryable(p_code text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
  SELECT p_code IN ('locked', 'not_attempted', 'rolled_back', 'unavailable', 'internal')
$$;
