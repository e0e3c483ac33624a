-- The error object of an item that failed in the database, as JSON text. The messages are those of the catalogue of item errors
-- (libs/errors); a test compares them.
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
      'The record does not exist.'
    WHEN 'multiple_matches' THEN
      'More than one record has this value.'
    WHEN 'precondition_failed' THEN
      'if_match is not the current etag of the record.'
    WHEN 'conflict' THEN
      'Another record has this value, which must be unique.'
    WHEN 'required_property' THEN
      'A required property cannot be cleared.'
    WHEN 'too_large' THEN
      'The item is too large, or would make its record too large.'
    WHEN 'locked' THEN
      'The record is locked by another transaction. Send the item again.'
    WHEN 'unavailable' THEN
      'The database became unavailable. Send the item again with the same Idempotency-Key.'
    WHEN 'internal' THEN
      'An internal error occurred. It is logged with the request id.'
    WHEN 'not_attempted' THEN
      CASE WHEN p_final
        THEN 'The item was not attempted because earlier failures ended the batch (on_error or max_failures). The request is complete: send the item in a new one.'
        ELSE 'The item was not attempted. Send it again.' END
    WHEN 'rolled_back' THEN
      CASE WHEN p_final
        THEN 'The item was rolled back because another item failed. The request is complete: send the item in a new one.'
        ELSE 'The item was rolled back because another item failed.' END
  END;
  RETURN '{"code":"' || p_code || '","message":' || to_json(v_message)::text
      || ',"retryable":' || (is_retryable(p_code) AND NOT p_final)::text || '}';
END
$$;
