/** Tables of which every node has a copy: they are small and rarely written, and API keys are found without a team. */
export const referenceTables = [
  'teams',
  'clients',
  'client_limits',
  'api_keys',
  'property_definitions',
  'property_options',
  'schema_migrations',
  'schema_functions',
] as const;

/** Tables that are divided by `team_id`. The rows of a team are on one node, in all of them. */
export const distributedTables = [
  'records',
  'record_lookups',
  'idempotency_requests',
  'idempotency_progress',
  'idempotency_outcomes',
  'import_jobs',
  'import_chunks',
] as const;
