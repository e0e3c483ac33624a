-- The error object `invalid_property` of one field, as JSON text, in the form of the gateway's validation.
--
--   p_field  its path in the item, such as `.default.employees`
--   p_rule   the end of the message
CREATE OR REPLACE FUNCTION invalid_property_error(p_field text, p_rule text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT '{"code":"invalid_property","message":' || message || ',"retryable":false,"errors":[{"field":' || to_json(p_field)::text
      || ',"code":"invalid_property","message":' || message || '}]}'
    FROM (SELECT to_json(ltrim(p_field, '.') || ' ' || p_rule)::text AS message) AS text
$$;
