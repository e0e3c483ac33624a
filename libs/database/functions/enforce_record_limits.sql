-- Enforces the size limits on a record after its change.
--
--   image                 without its record if the caller wants none, or if fewer bytes are left
--   bytes_left            what is left for the records of the response
--   p_minimal             entries without the record
--   p_record_limit_bytes  the largest record that the change may produce; NULL: any
CREATE OR REPLACE FUNCTION enforce_record_limits(INOUT image record_image, INOUT bytes_left bigint, p_minimal boolean,
                                                 p_record_limit_bytes integer)
LANGUAGE plpgsql AS $$
DECLARE
  c_size CONSTANT bigint := record_size(image);
BEGIN
  IF c_size > p_record_limit_bytes THEN
    RAISE EXCEPTION USING ERRCODE = 'PG002'; -- rolls the change back; item_failure makes it too_large
  END IF;
  IF p_minimal OR c_size > bytes_left THEN
    image := (image.id, image.version, NULL, NULL, NULL, image.created_at, image.updated_at,
              CASE WHEN NOT p_minimal THEN true END);
  ELSE
    bytes_left := bytes_left - c_size;
  END IF;
END
$$;
