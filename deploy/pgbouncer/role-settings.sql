-- Gateways and workers set these parameters in each session. With transaction pooling they cannot, so their roles set them. Run it
-- as a superuser or a role with CREATEROLE, then run RECONNECT in the console of PgBouncer: only new connections have the settings.
--
-- With the application_name, PgBouncer need not set it again after each RESET ALL.
ALTER ROLE prism_gateway SET application_name = 'prism-gateway';
ALTER ROLE prism_gateway SET idle_in_transaction_session_timeout = '10s';
ALTER ROLE prism_gateway SET client_connection_check_interval = '200ms';
ALTER ROLE prism_gateway SET tcp_keepalives_idle = 5;
ALTER ROLE prism_gateway SET tcp_keepalives_interval = 2;
ALTER ROLE prism_gateway SET tcp_keepalives_count = 3;
ALTER ROLE prism_gateway SET tcp_user_timeout = '10s';
ALTER ROLE prism_gateway SET client_min_messages = 'warning';

ALTER ROLE prism_worker SET application_name = 'prism-gateway';
ALTER ROLE prism_worker SET idle_in_transaction_session_timeout = '10s';
ALTER ROLE prism_worker SET client_connection_check_interval = '200ms';
ALTER ROLE prism_worker SET tcp_keepalives_idle = 5;
ALTER ROLE prism_worker SET tcp_keepalives_interval = 2;
ALTER ROLE prism_worker SET tcp_keepalives_count = 3;
ALTER ROLE prism_worker SET tcp_user_timeout = '10s';
ALTER ROLE prism_worker SET client_min_messages = 'warning';
