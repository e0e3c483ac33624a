-- The privileges that a worker needs, and no others. It deletes expired data and builds lookups through functions that do nothing
-- else, and cannot read tables with data of teams.
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT SELECT ON schema_migrations, schema_functions, ledger_partitions TO {role};
GRANT EXECUTE ON FUNCTION ensure_ledger_partition(date), missing_ledger_days(integer), oldest_idempotency_request(),
  purge_idempotency_requests(interval, timestamptz, integer), detach_ledger_partition(date), drop_ledger_partition(date),
  build_lookups(interval, integer)
  TO {role};
