-- The value of a multi-value property after {"op": "append" | "remove", "values": [...]}: a set, ordered by first occurrence.
-- One pass groups equal elements, so the time is not quadratic in the number of elements.
CREATE OR REPLACE FUNCTION apply_operator(p_current jsonb, p_operator jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
  SELECT COALESCE(jsonb_agg(result.value ORDER BY result.place), '[]')
    FROM (
      SELECT element.value, min(element.place) AS place
        FROM (
          SELECT e.value, ARRAY[0, e.ordinality] AS place, false AS is_operand
            FROM jsonb_array_elements(CASE jsonb_typeof(p_current) WHEN 'array' THEN p_current ELSE '[]' END)
                 WITH ORDINALITY AS e
          UNION ALL
          SELECT e.value, ARRAY[1, e.ordinality], true
            FROM jsonb_array_elements(p_operator -> 'values') WITH ORDINALITY AS e
        ) AS element
       GROUP BY element.value
      HAVING p_operator ->> 'op' = 'append' OR NOT bool_or(element.is_operand)
    ) AS result
$$;
