-- Adds the nodes of docker-compose.citus.yml to the cluster. Safe to repeat.
\set ON_ERROR_STOP on
\connect - - citus-worker-1
CREATE EXTENSION IF NOT EXISTS citus;
\connect - - citus-worker-2
CREATE EXTENSION IF NOT EXISTS citus;
\connect - - postgres
CREATE EXTENSION IF NOT EXISTS citus;
SELECT citus_set_coordinator_host('postgres', 5432);
SELECT citus_add_node('citus-worker-1', 5432);
SELECT citus_add_node('citus-worker-2', 5432);
