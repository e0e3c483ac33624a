-- What keeps vacuum, and the pruning of pages by updates, from removing dead rows. An item leaves two dead rows: the earlier version
-- of its record, and that of its progress row.
--
--   oldest_transaction_seconds  age of the oldest transaction in this database that has a snapshot, a transaction id or both; of
--                               sessions of other roles NULL without pg_read_all_stats; prepared transactions count too
--   replication_age             age of the oldest row version that a replication slot or the feedback of a standby needs, in
--                               transaction ids
--   slot_wal_bytes              WAL that the server keeps for the slot that is furthest behind
--
-- A transaction of another database keeps no rows of this one, and a vacuum keeps none from another vacuum. A lost slot keeps nothing.
WITH transactions AS (
  SELECT xact_start AS started_at
    FROM pg_stat_activity
   WHERE datname = current_database() AND pid <> pg_backend_pid()
     AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL)
     AND COALESCE(leader_pid, pid) NOT IN (SELECT pid FROM pg_stat_progress_vacuum)
  UNION ALL
  SELECT prepared FROM pg_prepared_xacts WHERE database = current_database()
), slots AS (
  SELECT xmin, restart_lsn FROM pg_replication_slots WHERE wal_status IS DISTINCT FROM 'lost'
)
SELECT COALESCE(EXTRACT(EPOCH FROM clock_timestamp() - min(started_at)), 0)::double precision AS oldest_transaction_seconds,
       COALESCE(GREATEST((SELECT max(age(xmin)) FROM slots),
                         (SELECT max(age(backend_xmin)) FROM pg_stat_replication)), 0) AS replication_age,
       COALESCE((SELECT max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)) FROM slots), 0)::double precision AS slot_wal_bytes
  FROM transactions
