-- The privileges that a gateway needs, and no others. No DELETE of records, requests or outcomes: a deleted record is marked,
-- and the worker deletes from the ledger. Teams, clients and API keys are readable only through find_api_key.
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT SELECT ON schema_migrations, schema_functions, property_definitions, property_options TO {role};
-- Of definitions, only what callers with the scope schema:write can define: neither native nor locked.
GRANT INSERT (team_id, object_type, id, slug, type, name, required, list_id, lookup, lookup_state, lookup_since),
  UPDATE (name, required, updated_at, lookup, lookup_state, lookup_since, lookup_cursor), DELETE
  ON property_definitions TO {role};
GRANT INSERT, UPDATE (value, position), DELETE ON property_options TO {role};
-- UPDATE on the tables, not on columns: Postgres checks column privileges one by one for each item, which costs 3% of it.
GRANT SELECT, INSERT, UPDATE ON records, idempotency_requests, idempotency_outcomes, import_jobs TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_progress, record_lookups TO {role};
GRANT SELECT, INSERT ON import_chunks TO {role};
GRANT USAGE ON SEQUENCE idempotency_request_ids TO {role};
GRANT EXECUTE ON FUNCTION find_api_key(text) TO {role};
