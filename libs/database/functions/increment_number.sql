-- The value of a number property after {"op": "increment", "by": <number>, "field": <its path, for an error>}. A missing
-- value counts as 0.
-- Raises PG005 unless the sum is within ±(2^53 - 1) and keeps its decimal value as a double, as isExactNumber of the gateway
-- defines it; PG006 if the value is not a number.
--
-- extra_float_digits = 1: the text of a double then has as many digits as it takes to distinguish it from any other.
CREATE OR REPLACE FUNCTION increment_number(p_current jsonb, p_operator jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE SET extra_float_digits = 1 AS $$
DECLARE
  v_sum numeric;
BEGIN
  IF COALESCE(jsonb_typeof(p_current), 'null') NOT IN ('number', 'null') THEN
    RAISE EXCEPTION USING ERRCODE = 'PG006', DETAIL = p_operator ->> 'field';
  END IF;
  v_sum := COALESCE(NULLIF(p_current, 'null')::numeric, 0) + (p_operator -> 'by')::numeric;
  -- A double has no value between 0 and 2.5e-324: the cast would fail.
  IF abs(v_sum) > 9007199254740991 OR (v_sum <> 0 AND abs(v_sum) < 2.5e-324)
     OR v_sum::double precision::text::numeric <> v_sum THEN
    RAISE EXCEPTION USING ERRCODE = 'PG005', DETAIL = p_operator ->> 'field';
  END IF;
  RETURN to_jsonb(trim_scale(v_sum));
END
$$;
