-- What a worker needs, and nothing beside: it takes away what is over through functions that refuse anything else, and reads
-- no table of the teams'.
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT SELECT ON schema_migrations, ledger_partitions TO {role};
GRANT EXECUTE ON FUNCTION ensure_ledger_partition(date), oldest_idempotency_request(),
  purge_idempotency_requests(interval, timestamptz, integer), detach_ledger_partition(date), drop_ledger_partition(date)
  TO {role};
