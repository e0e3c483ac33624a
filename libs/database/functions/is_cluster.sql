-- Whether the server is a node of a Citus cluster (docs/scale.md).
CREATE OR REPLACE FUNCTION is_cluster() RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL
$$;
