-- Creates the roles of gateways and workers, with passwords from the environment. Run it with psql 15 or newer, as a superuser or a
-- role with CREATEROLE. Safe to repeat; run it again to change a password. `migrate` adds the grants: docs/security.md,
-- "Database roles".
\set ON_ERROR_STOP on
\getenv gateway_password GATEWAY_PASSWORD
\getenv worker_password WORKER_PASSWORD

BEGIN;
SELECT format('CREATE ROLE %I LOGIN', role)
  FROM unnest(ARRAY['prism_gateway', 'prism_worker']) AS role
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role)
\gexec

ALTER ROLE prism_gateway PASSWORD :'gateway_password';
ALTER ROLE prism_worker PASSWORD :'worker_password';

-- Lets the worker see how old the transactions of other roles are. The worker runs without it too.
SELECT pg_has_role('pg_read_all_stats', 'MEMBER WITH ADMIN OPTION') AS can_grant \gset
\if :can_grant
GRANT pg_read_all_stats TO prism_worker;
\else
\warn 'prism_worker does not see transactions of other roles: as a superuser, run GRANT pg_read_all_stats TO prism_worker'
\endif
COMMIT;
