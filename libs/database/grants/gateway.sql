-- What a gateway needs, and nothing beside. No DELETE: records are deleted by a mark, and the ledger by the worker. No
-- UPDATE of outcomes. Nothing of teams, clients and keys but the one key that a caller shows.
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT SELECT ON schema_migrations, property_definitions, property_options TO {role};
-- UPDATE of the table, not of its columns: those are looked at one by one for each item, which costs 3% of it.
GRANT SELECT, INSERT, UPDATE ON records, idempotency_requests TO {role};
GRANT SELECT, INSERT ON idempotency_items TO {role};
-- find_api_key is what the version before calls: one may go back to it.
GRANT EXECUTE ON FUNCTION find_caller(text), find_api_key(text), ensure_ledger_partition(date) TO {role};
