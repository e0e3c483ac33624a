-- The roles that gateways and workers run as, with the passwords of the environment; for psql 15 and newer, as a superuser or
-- a role with CREATEROLE. Harmless when it is done again, and the way to change a password. Their rights come with the
-- migrations: docs/security.md, "Database roles".
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
COMMIT;
