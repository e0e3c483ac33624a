-- A timestamp in the format of the API: RFC 3339, UTC, three decimals.
CREATE OR REPLACE FUNCTION format_timestamp(p_timestamp timestamptz) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT to_char(p_timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;
