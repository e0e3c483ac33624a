-- Renders the response entries of a batch, one a line (JSON text contains no line breaks).
--
--   p_stored           entries that the ledger holds, by position. NULL: none
--   p_ids, p_refs      as the request has them
--   p_errors           error objects as JSON text. NULL: item_error(code, false)
--   p_without_records  omit every record
--
-- In PL/pgSQL, because it keeps the plan for the session. A function in SQL is parsed and planned again by every call here, which
-- takes half as long as it takes to render 100 records.
CREATE OR REPLACE FUNCTION render_entries(p_stored text[], p_ids uuid[], p_refs text[], p_codes text[], p_errors text[],
                                          p_effects text[], p_images record_image[], p_without_records boolean) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (
    SELECT string_agg(
             COALESCE(o.stored,
                      item_entry(CASE WHEN o.code IS NULL THEN COALESCE(o.id, o.item_id) ELSE o.item_id END, o.ref,
                                 o.error_object, o.effect, o.version,
                                 CASE WHEN NOT p_without_records THEN o.properties END, o.list, o.extended, o.created_at,
                                 o.updated_at, o.omitted OR (p_without_records AND o.properties IS NOT NULL))), E'\n')
      FROM (
        SELECT i.*, COALESCE(i.error, item_error(i.code, false)) AS error_object
          FROM ROWS FROM (unnest(p_ids), unnest(p_refs), unnest(p_codes), unnest(p_errors), unnest(p_effects),
                          unnest(p_images), unnest(p_stored))
            AS i (item_id, ref, code, error, effect, id, version, properties, list, extended, created_at, updated_at,
                  omitted, stored)
      ) AS o);
END
$$;
