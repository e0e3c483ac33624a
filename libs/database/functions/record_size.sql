-- The size of a record: the bytes of its three blocks as JSON text. 0 for an image without a record.
--
-- The size in jsonb is no substitute: text can take 28 times as many bytes. 5e-324 takes 12 bytes in jsonb and 326 as text,
-- because Postgres writes every zero.
CREATE OR REPLACE FUNCTION record_size(p_image record_image) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
  SELECT COALESCE(octet_length(p_image.properties::text)::bigint + octet_length(p_image.list::text)
                  + octet_length(p_image.extended::text), 0)
$$;
