#!/bin/sh
# Starts Postgres as a node of the cluster of docker-compose.citus.yml. Nodes connect to each other with the passwords in
# PGPASSFILE, which libpq reads only if nobody else can.
set -eu
umask 077
for login in "prism:$POSTGRES_PASSWORD" "prism_gateway:$GATEWAY_PASSWORD" "prism_worker:$WORKER_PASSWORD"; do
  printf '*:*:*:%s\n' "$login"
done >"$PGPASSFILE"

# Logical replication and prepared transactions: for moves of shards, and for changes of tables that every node has.
exec docker-entrypoint.sh postgres \
  -c shared_preload_libraries=citus \
  -c wal_level=logical \
  -c max_connections=200 \
  -c max_prepared_transactions=200 \
  -c max_worker_processes=32 \
  -c citus.node_conninfo=sslmode=prefer
