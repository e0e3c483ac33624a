-- The privileges that a worker needs, and no others. It applies the rows of imports like a gateway. Import jobs, the lookups of
-- all records, and expired data of all teams are accessible only through functions.
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT SELECT ON schema_migrations, schema_functions, ledger_partitions TO {role};
GRANT SELECT, INSERT, UPDATE ON records, idempotency_requests, idempotency_outcomes TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_progress, record_lookups TO {role};
GRANT USAGE ON SEQUENCE idempotency_request_ids TO {role};
GRANT EXECUTE ON FUNCTION ensure_ledger_partition(date), missing_ledger_days(integer), oldest_idempotency_request(),
  purge_idempotency_requests(interval, timestamptz, integer), detach_ledger_partition(date), drop_ledger_partition(date),
  build_lookups(interval, integer), lookup_backlog()
  TO {role};
GRANT EXECUTE ON FUNCTION claim_import_job(uuid, interval), renew_import_lease(uuid, uuid, uuid, interval),
  release_import_job(uuid, uuid, uuid), take_import_chunk(uuid, uuid, uuid, integer[]),
  store_import_chunk(uuid, uuid, integer, text, integer, integer, boolean), purge_import_jobs(integer), import_backlog(),
  find_import_spellings(uuid, uuid), find_import_lookups(uuid, uuid)
  TO {role};
