-- The value of a date property as a point in time: a calendar date is its midnight in UTC. NULL if it is no date, so that no
-- value fails a query: the cast gets only what it accepts, as isDate of the gateway defines it. Independent of the settings of
-- the session, because the format is ISO 8601 and has its offset; hence IMMUTABLE.
CREATE OR REPLACE FUNCTION date_value(p_value jsonb) RETURNS timestamptz
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  c_text CONSTANT text COLLATE "C" := p_value #>> '{}';
BEGIN
  -- Most values: a date that every month has. Three times as fast as the patterns below.
  IF translate(c_text, '0123456789', '0000000000') = '0000-00-00' AND c_text >= '0001'
     AND substr(c_text, 6, 2) BETWEEN '01' AND '12' AND substr(c_text, 9) BETWEEN '01' AND '28' THEN
    RETURN (c_text || 'T00:00:00Z')::timestamptz;
  END IF;
  -- The days of the calendar: of months with 31 and 30 days, of February, and 29 February of leap years.
  IF c_text !~ '^(?!0000)(?:\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8]))|(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)(?:$|[Tt])' THEN
    RETURN NULL;
  END IF;
  IF length(c_text) = 10 THEN RETURN (c_text || 'T00:00:00Z')::timestamptz; END IF;
  IF c_text ~ '^.{11}(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d(?:\.\d{1,9})?|60)(?:[Zz]|[+-](?:0\d|1[0-5]):[0-5]\d)$' THEN
    RETURN c_text::timestamptz;
  END IF;
  RETURN NULL;
END
$$;
