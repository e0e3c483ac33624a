-- Whether Citus distributes the statements of the session: the server is a node of a cluster (docs/scale.md), and use_shard has not
-- made the tables of one shard those of the session.
CREATE OR REPLACE FUNCTION is_cluster() RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL AND current_schema() NOT LIKE 'prism\_shard\_%'
$$;
