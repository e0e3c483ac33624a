-- The ledger: it applies each item of a keyed batch exactly once.
--
-- A request row stores the fingerprint of the request that a key stands for, and the day of its first attempt. An item row
-- stores the outcome of one item and is written in the transaction that applies the item. The primary key of the items
-- guarantees that two attempts at one item cannot both commit.

CREATE TABLE idempotency_requests (
  team_id     uuid        NOT NULL,
  client_id   uuid        NOT NULL,
  key_hash    bytea       NOT NULL,
  fingerprint bytea       NOT NULL,
  -- Of the first attempt. Later attempts use it too, so the primary key of the items stays unique across midnight.
  day         date        NOT NULL,
  -- Every item has an outcome that no retry changes.
  complete    boolean     NOT NULL DEFAULT false,
  -- Of the attempt that completed the request. A replayed error envelope contains it.
  request_id  text,
  created_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (team_id, client_id, key_hash)
) WITH (fillfactor = 80);

-- For retention, which deletes the oldest rows. No attempt changes created_at of a key in its lifetime, so the updates that
-- complete a request stay HOT.
CREATE INDEX idempotency_requests_created_at ON idempotency_requests (created_at);

-- A record after one change. `properties`, `list` and `extended` are NULL where the response has no record: the caller asked
-- for none, or the record exceeds the size limit of the response (`omitted`).
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
  -- The item error code. NULL: the item was applied.
  code      text,
  -- With a code: the error object of the response, as JSON text.
  error     text,
  -- Without a code: what the response entry is rendered from. Every replay renders the same bytes.
  image     record_image,
  -- Instead of an image: the earlier item of this request that has the same image, because nothing changed in between.
  same_as   smallint,
  PRIMARY KEY (day, team_id, client_id, key_hash, item)
) PARTITION BY RANGE (day);

-- The days that have a partition. A partition that is not attached was detached by a worker that stopped before the drop.
CREATE VIEW ledger_partitions AS
  SELECT substring(c.relname FROM '^idempotency_items_([0-9]{8})$')::date AS day, c.relispartition AS attached
    FROM pg_class AS c
   WHERE c.relkind = 'r' AND c.relname ~ '^idempotency_items_[0-9]{8}$'
     AND c.relnamespace = (SELECT p.relnamespace FROM pg_class AS p WHERE p.oid = 'idempotency_items'::regclass);
