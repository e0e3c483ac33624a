-- Has Postgres plan a prepared statement with its values each time: `$1 OR plan_with_values()`, where $1 is true. With the values,
-- the planner replaces the expression by true. In a plan for any values it remains, and its cost makes Postgres reject that plan.
-- Never called, because $1 is true. plpgsql, because the planner replaces a call of an SQL function by its body.
CREATE OR REPLACE FUNCTION plan_with_values() RETURNS boolean
LANGUAGE plpgsql COST 1000000000 AS $$
BEGIN
  RETURN true;
END
$$;
