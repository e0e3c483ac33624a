-- The ledger: it applies each item of a keyed batch exactly once (docs/exactly-once.md).
--
-- A request row stores the fingerprint of the request that a key stands for. While a batch runs, its progress row has a bit for
-- each item, which the transaction that applies the item sets: two attempts cannot both set it. The last transaction of an
-- attempt stores the outcomes of the whole batch in one row. When every item is settled, the progress row is deleted.

CREATE SEQUENCE idempotency_request_ids;

CREATE TABLE idempotency_requests (
  team_id      uuid        NOT NULL,
  client_id    uuid        NOT NULL,
  key_hash     bytea       NOT NULL,
  -- A key that is used again after its stale time gets a new id, so that it never meets the rows of its earlier use.
  id           bigint      NOT NULL DEFAULT nextval('idempotency_request_ids'),
  fingerprint  bytea       NOT NULL,
  item_count   smallint    NOT NULL,
  -- Of the first attempt. The outcomes are stored under it, also by an attempt after midnight.
  day          date        NOT NULL,
  -- Every item has an outcome that no retry changes.
  complete     boolean     NOT NULL DEFAULT false,
  -- The request id of the attempt that completed the request. A replayed error envelope contains it.
  completed_by text,
  created_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (team_id, client_id, key_hash)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05);

-- For retention, which deletes the oldest rows. No attempt changes created_at of a key in its lifetime, so the updates that
-- complete a request stay HOT.
CREATE INDEX idempotency_requests_created_at ON idempotency_requests (created_at);

-- Batches of several items that are running or were interrupted. Each item updates its row: the low fillfactor leaves room for
-- the versions of one batch on the page, so that the updates stay HOT.
CREATE TABLE idempotency_progress (
  team_id      uuid    NOT NULL,
  request_id   bigint  NOT NULL,
  -- Bit n - 1: item n is applied, or has failed in a way that no retry changes.
  settled      bytea   NOT NULL,
  -- One byte an item: 0, or the number of an effect that its operation alone does not tell (apply_batch). NULL: all are 0.
  effects      bytea,
  -- Whether an attempt has stored outcomes. Most attempts thus need not look for them: Postgres makes a new plan for each look into a
  -- partitioned table, which takes 0.3 ms.
  has_outcomes boolean NOT NULL DEFAULT false,
  PRIMARY KEY (team_id, request_id)
) WITH (fillfactor = 10, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0,
        autovacuum_vacuum_cost_delay = 0);

-- The outcomes of the settled items of a request, in request order, one a line. A line is empty for an item that a retry runs
-- again.
CREATE TABLE idempotency_outcomes (
  day        date   NOT NULL,
  team_id    uuid   NOT NULL,
  request_id bigint NOT NULL,
  -- Response entries as JSON text. `=3`: the entry of item 3, which is the same.
  entries    text   NOT NULL,
  -- Item error codes, comma separated. Empty for an applied item.
  codes      text   NOT NULL,
  PRIMARY KEY (day, team_id, request_id)
) PARTITION BY RANGE (day);

-- lz4 takes a tenth of the time of pglz, for about the same size. A server that was built without it uses pglz.
DO $$
BEGIN
  ALTER TABLE idempotency_outcomes ALTER COLUMN entries SET COMPRESSION lz4;
EXCEPTION
  WHEN feature_not_supported THEN NULL;
END
$$;

-- For a day whose partition is missing. The worker moves the rows to a partition as soon as it runs.
CREATE TABLE idempotency_outcomes_default PARTITION OF idempotency_outcomes DEFAULT;

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

-- The days that have a partition. A partition that is not attached was detached by a worker that stopped before the drop.
CREATE VIEW ledger_partitions AS
  SELECT substring(c.relname FROM '^idempotency_outcomes_([0-9]{8})$')::date AS day, c.relispartition AS attached
    FROM pg_class AS c
   WHERE c.relkind = 'r' AND c.relname ~ '^idempotency_outcomes_[0-9]{8}$'
     AND c.relnamespace = (SELECT p.relnamespace FROM pg_class AS p WHERE p.oid = 'idempotency_outcomes'::regclass);
