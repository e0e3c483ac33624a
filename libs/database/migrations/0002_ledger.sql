-- The ledger: what makes an item with a key happen exactly once.
--
-- A request row says which body a key stands for and on which day its first attempt came; an item row holds the outcome
-- of one item and is written in the transaction that applies it. The primary key of the items is the proof: two attempts
-- at one item cannot both commit.

CREATE TABLE idempotency_requests (
  team_id     uuid        NOT NULL,
  client_id   uuid        NOT NULL,
  key_hash    bytea       NOT NULL,
  fingerprint bytea       NOT NULL,
  -- Of the first attempt, and read from here ever after: so the items' primary key stays unique across midnight.
  day         date        NOT NULL,
  -- Every item has an outcome that no retry changes.
  complete    boolean     NOT NULL DEFAULT false,
  -- Of the attempt that completed it: an error envelope is replayed with it.
  request_id  text,
  created_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (team_id, client_id, key_hash)
) WITH (fillfactor = 80);

-- A record as one change left it. `properties`, `list` and `extended` are NULL where the response has no record: the caller
-- asked for none, or the response has no room for it (`omitted`).
CREATE TYPE record_image AS (
  id         uuid,
  version    bigint,
  properties jsonb,
  list       jsonb,
  extended   jsonb,
  created_at timestamptz(3),
  updated_at timestamptz(3),
  omitted    boolean
);

CREATE TABLE idempotency_items (
  day       date     NOT NULL,
  team_id   uuid     NOT NULL,
  client_id uuid     NOT NULL,
  key_hash  bytea    NOT NULL,
  item      smallint NOT NULL,
  -- NULL: applied; else the item error code.
  code      text,
  -- With a code: the error object of the answer, as JSON text.
  error     text,
  -- Without one: what the response entry is rendered from, the same bytes each time.
  image     record_image,
  -- Instead of an image: the earlier item of this request whose image is the same, because nothing changed between the two.
  same_as   smallint,
  PRIMARY KEY (day, team_id, client_id, key_hash, item)
) PARTITION BY RANGE (day);

-- Makes the partition of a day if it is not there. The new table is attached, not created in place: attaching does not
-- wait for the batches that are writing to other days, nor they for it. Runs as the owner, so that the gateway's role
-- needs no right to create tables.
CREATE FUNCTION ensure_ledger_partition(p_day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  partition text := format('%I.%I', current_schema(), 'idempotency_items_' || to_char(p_day, 'YYYYMMDD'));
BEGIN
  IF to_regclass(partition) IS NOT NULL THEN
    RETURN;
  END IF;
  -- One at a time, in the mode that attaching takes anyway. No other kind of lock will do: only the locking of a table
  -- makes this session see the tables that others have made since.
  LOCK TABLE ONLY idempotency_items IN SHARE UPDATE EXCLUSIVE MODE;
  IF to_regclass(partition) IS NOT NULL THEN
    RETURN;
  END IF;
  EXECUTE format('CREATE TABLE %s (LIKE idempotency_items INCLUDING ALL, CHECK (day >= %L AND day < %L))',
                 partition, p_day, p_day + 1);
  EXECUTE format('ALTER TABLE idempotency_items ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)',
                 partition, p_day, p_day + 1);
END
$$;

-- In it a name means a table of the product's, whatever its caller may have made under the same one.
DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION ensure_ledger_partition(date) SET search_path = %I, pg_temp', current_schema());
END
$$;
