-- Keeps the shard of a team on this node, as hold_shard does, and returns it, with a schema of views: one of each table of the shard that
-- apply_batch uses, under the name of the whole table. Creates the schema on its first use.
--
--   shard        the shard of the table records; NULL: it is not on this node alone, or the owner of the tables may not create schemas
--   shard_table  its table on this node
--   schema       its name contains the table and the numbers of columns: after a move or a migration it is another schema. `migrate`
--                deletes the old ones
--
-- Without enable_ddl_propagation, because the other nodes do not have the tables.
CREATE OR REPLACE FUNCTION open_shard(p_team_id uuid, OUT shard bigint, OUT shard_table oid, OUT schema text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET citus.enable_ddl_propagation = off AS $$
DECLARE
  c_tables CONSTANT regclass[] := ARRAY['records', 'record_lookups', 'idempotency_requests', 'idempotency_progress',
                                        'idempotency_outcomes']::regclass[];
  v_shard  bigint;
  v_table  regclass;
BEGIN
  IF (SELECT count(*) FROM pg_dist_partition AS t WHERE t.logicalrelid = ANY (c_tables)) < cardinality(c_tables) THEN
    RETURN; -- not all are distributed yet
  END IF;
  v_shard := get_shard_id_for_distribution_column('records', p_team_id);
  PERFORM lock_shard_metadata(5, ARRAY[v_shard]); -- as hold_shard does
  IF (SELECT array_agg(p.groupid) FROM pg_dist_placement AS p WHERE p.shardid = v_shard)
     IS DISTINCT FROM ARRAY(SELECT l.groupid FROM pg_dist_local_group AS l) THEN
    RETURN;
  END IF;
  shard_table := to_regclass('records_' || v_shard);
  schema := 'prism_shard_' || shard_table || '_' || (
    SELECT string_agg(c.relnatts::text, '_' ORDER BY c.oid) FROM pg_class AS c WHERE c.oid = ANY (c_tables));
  IF to_regclass(schema || '.records') IS NULL THEN
    IF NOT has_database_privilege(current_database(), 'CREATE') THEN
      RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(schema, 0)); -- until the views are committed
    -- Another session may have created it during the wait, which to_regclass does not notice.
    IF NOT EXISTS (SELECT FROM pg_namespace AS n WHERE n.nspname = schema) THEN
      EXECUTE format('CREATE SCHEMA %I', schema);
      EXECUTE format('GRANT USAGE ON SCHEMA %I TO PUBLIC', schema);
      FOREACH v_table IN ARRAY c_tables LOOP
        -- The privileges and the row-level security are those of the caller on the table of the shard.
        EXECUTE format('CREATE VIEW %I.%I WITH (security_invoker) AS SELECT * FROM %I', schema, v_table::text,
                       v_table::text || '_' || get_shard_id_for_distribution_column(v_table, p_team_id));
        EXECUTE format('GRANT ALL ON %I.%I TO PUBLIC', schema, v_table::text);
      END LOOP;
    END IF;
  END IF;
  shard := v_shard;
END
$$;
