-- The etag of a record, without its quotes: the version, and the time of the change in hexadecimal microseconds. After a crash a
-- version that was visible and not yet on disk may be given to another change; the time tells the two apart.
CREATE OR REPLACE FUNCTION record_etag(p_version bigint, p_updated_at timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT p_version::text || '-' || to_hex((date_part('epoch', p_updated_at AT TIME ZONE 'UTC') * 1000000)::bigint)
$$;
