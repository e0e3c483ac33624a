-- The error object of an item that failed in the database, as JSON text. The texts are those of the catalogue of item errors
-- (libs/errors), which a test compares.
--
--   p_final  No retry with this Idempotency-Key runs the item, because another item failed and that failure is not retryable.
--
-- COST 1: with the default cost Postgres would not inline item_entry in render_entries.
CREATE OR REPLACE FUNCTION item_error(p_code text, p_final boolean) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT COST 1 AS $$
DECLARE
  v_message text;
BEGIN
  v_message := CASE p_code
    WHEN 'not_found' THEN
      'There is no such record.'
    WHEN 'precondition_failed' THEN
      'The record is not at the version that if_match names.'
    WHEN 'conflict' THEN
      'Another record has this value, which must be unique.'
    WHEN 'required_property' THEN
      'A required property cannot be cleared.'
    WHEN 'too_large' THEN
      'The item, or the record after it, is too large.'
    WHEN 'locked' THEN
      'Another transaction is holding the record. Send the item again.'
    WHEN 'unavailable' THEN
      'The database went away. Send the item again with the same Idempotency-Key.'
    WHEN 'internal' THEN
      'Something went wrong on our side. It is logged under the request id.'
    WHEN 'not_attempted' THEN
      CASE WHEN p_final
        THEN 'The item was not attempted because an earlier item failed and on_error is stop. The request is complete: send the item in a new one.'
        ELSE 'The item was not attempted. Send it again.' END
    WHEN 'rolled_back' THEN
      CASE WHEN p_final
        THEN 'The item was rolled back because another one failed. The request is complete: send the item in a new one.'
        ELSE 'The item was rolled back because another one failed.' END
  END;
  RETURN '{"code":"' || p_code || '","message":' || to_json(v_message)::text
      || ',"retryable":' || (is_retryable(p_code) AND NOT p_final)::text || '}';
END
$$;
