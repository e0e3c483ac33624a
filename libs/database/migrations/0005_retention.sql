-- Retention: what takes away the keys that are over, and the days of the ledger that no key points to any more.
--
-- The order is what keeps a change from happening twice: first a request row goes, and from then on its key is a new one
-- that begins on a new day; only when no row of a day is left does the day's partition go. Each step stands for itself,
-- so a worker may die between any two, and several may work at once. Every function runs as the owner, so that the
-- worker's role needs no right to delete or drop; each refuses what could still be needed, whatever it is asked for.
-- All time is the database's.

-- Finds what is oldest. No attempt changes created_at of a living key, so the updates that complete a request stay HOT.
CREATE INDEX idempotency_requests_created_at ON idempotency_requests (created_at);

-- The days that have a table for their items. One that is not attached was on its way out when its worker died.
CREATE VIEW ledger_partitions AS
  SELECT substring(c.relname FROM '^idempotency_items_([0-9]{8})$')::date AS day, c.relispartition AS attached
    FROM pg_class AS c
   WHERE c.relkind = 'r' AND c.relname ~ '^idempotency_items_[0-9]{8}$'
     AND c.relnamespace = (SELECT p.relnamespace FROM pg_class AS p WHERE p.oid = 'idempotency_items'::regclass);

-- Deletes up to p_limit request rows that are older than p_kept, the oldest first. Crosses teams, as only upkeep does.
-- A row that an attempt holds is passed over: that attempt is about to make it new.
--
--   p_from   where the last call of the same pass stopped: what it deleted need not be walked through again
--   up_to    where this one stopped; NULL if there was nothing
CREATE FUNCTION purge_idempotency_requests(p_kept interval, p_from timestamptz, p_limit integer,
                                           OUT removed integer, OUT up_to timestamptz)
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  c_before CONSTANT timestamptz := now() - GREATEST(p_kept, interval '7 days');
BEGIN
  -- A retry that waits for one of these rows does not wait for the disk. Rows that a crash brings back go next time.
  PERFORM set_config('synchronous_commit', 'off', true);
  WITH purged AS (
    DELETE FROM idempotency_requests AS q
     WHERE q.created_at < c_before
       AND q.ctid = ANY (ARRAY(
             SELECT e.ctid FROM idempotency_requests AS e
              WHERE e.created_at < c_before AND e.created_at >= COALESCE(p_from, '-infinity')
              ORDER BY e.created_at
              LIMIT p_limit
                FOR UPDATE SKIP LOCKED))
    RETURNING q.created_at
  )
  SELECT count(*), max(created_at) INTO removed, up_to FROM purged;
END
$$;

-- Whether no key can point to a day any more: its rows are gone, and no attempt that began on it can still be running.
CREATE FUNCTION ledger_day_is_over(p_day date) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT p_day < (now() AT TIME ZONE 'UTC')::date - 7
     -- The oldest is the first of the index. Asked whether there is any, Postgres may read the whole table to find none.
     AND COALESCE((SELECT min(q.created_at) FROM idempotency_requests AS q) >= (p_day + 1)::timestamp AT TIME ZONE 'UTC', true)
$$;

-- Takes a day that is over out of the ledger: `done`; `kept` if it is not over, or not in there; `busy` if others are in
-- the way, and then nothing has happened.
--
-- While this waits for the batches that are under way, all others wait behind it. So it waits for no longer than
-- lock_timeout, and its own commit does not wait for the disk. (DETACH ... CONCURRENTLY would need the owner's rights.)
CREATE FUNCTION detach_ledger_partition(p_day date) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '10ms' AS $$
DECLARE
  partition text := format('%I.%I', current_schema(), 'idempotency_items_' || to_char(p_day, 'YYYYMMDD'));
BEGIN
  -- Two workers after one another would hold up the same batch twice.
  IF NOT pg_try_advisory_xact_lock(hashtext('ledger_retention')) THEN
    RETURN 'busy';
  END IF;
  IF NOT ledger_day_is_over(p_day) OR NOT EXISTS (SELECT FROM ledger_partitions WHERE day = p_day AND attached) THEN
    RETURN 'kept';
  END IF;
  BEGIN
    LOCK TABLE ONLY idempotency_items IN ACCESS EXCLUSIVE MODE;
    -- No batch is left in it. Someone else, such as VACUUM, may take long.
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE NOWAIT', partition);
  EXCEPTION
    WHEN lock_not_available THEN RETURN 'busy';
  END;
  PERFORM set_config('synchronous_commit', 'off', true);
  EXECUTE format('ALTER TABLE idempotency_items DETACH PARTITION %s', partition);
  RETURN 'done';
END
$$;

-- Drops the table of a day that was detached, which no batch knows any more. Answers as detaching does.
CREATE FUNCTION drop_ledger_partition(p_day date) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '10ms' AS $$
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtext('ledger_retention')) THEN
    RETURN 'busy';
  END IF;
  IF NOT ledger_day_is_over(p_day) OR NOT EXISTS (SELECT FROM ledger_partitions WHERE day = p_day AND NOT attached) THEN
    RETURN 'kept';
  END IF;
  EXECUTE format('DROP TABLE %I.%I', current_schema(), 'idempotency_items_' || to_char(p_day, 'YYYYMMDD'));
  RETURN 'done';
EXCEPTION
  WHEN lock_not_available THEN RETURN 'busy';
END
$$;

-- In them a name means a table of the product's, whatever their caller may have made under the same one.
DO $$
DECLARE
  f regprocedure;
BEGIN
  FOREACH f IN ARRAY ARRAY['purge_idempotency_requests(interval, timestamptz, integer)',
                           'detach_ledger_partition(date)', 'drop_ledger_partition(date)']::regprocedure[] LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', f, current_schema());
  END LOOP;
END
$$;
