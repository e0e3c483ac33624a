-- What programs set in each session, and what transaction pooling makes the roles set in their place. Run it as a superuser or a
-- role with CREATEROLE. New connections have the settings: run RECONNECT in the console of PgBouncer afterwards.
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
