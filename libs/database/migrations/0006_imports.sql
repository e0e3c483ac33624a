-- Imports. A job applies its chunks as batches with keys of their own in the ledger, under the job's id as the client. No
-- Idempotency-Key has this scope, because no client has the id. So a row is applied once, however many workers run its chunk.
CREATE TABLE import_jobs (
  team_id         uuid           NOT NULL,
  id              uuid           NOT NULL,
  client_id       uuid           NOT NULL,
  -- For the metrics of the worker.
  client_name     text           NOT NULL,
  object_type     text           NOT NULL,
  -- The x-request-id of the import, for the log of the worker.
  request_id      text           NOT NULL,
  -- The request in the ledger that the Idempotency-Key of an import stands for. NULL: the import has no key.
  ledger_id       bigint,
  -- A request imports its rows itself, and a retry resumes it. No worker takes such a job, and no caller can read it.
  within_request  boolean        NOT NULL,
  status          text           NOT NULL DEFAULT 'processing' CHECK (status IN ('processing', 'complete', 'failed')),
  -- Counts of rows.
  total           integer        NOT NULL,
  processed       integer        NOT NULL DEFAULT 0,
  succeeded       integer        NOT NULL DEFAULT 0,
  failed          integer        NOT NULL DEFAULT 0,
  created_at      timestamptz(3) NOT NULL DEFAULT now(),
  updated_at      timestamptz(3) NOT NULL DEFAULT now(),
  expires_at      timestamptz(3) NOT NULL,
  -- The worker that runs the job, until its lease ends.
  lease_owner     uuid,
  lease_until     timestamptz,
  -- When a worker took the job last. Clients take turns.
  claimed_at      timestamptz,
  next_attempt_at timestamptz    NOT NULL DEFAULT now(),
  PRIMARY KEY (team_id, id)
) WITH (fillfactor = 50);

CREATE INDEX import_jobs_unfinished ON import_jobs (team_id, client_id) WHERE status = 'processing';
CREATE INDEX import_jobs_turns ON import_jobs (team_id, client_id, claimed_at);
CREATE INDEX import_jobs_expiry ON import_jobs (expires_at);
CREATE INDEX import_jobs_ledger ON import_jobs (team_id, ledger_id) WHERE within_request;

-- Up to 100 rows of a job, which are one batch.
CREATE TABLE import_chunks (
  team_id         uuid        NOT NULL,
  job_id          uuid        NOT NULL,
  chunk           integer     NOT NULL,
  row_count       integer     NOT NULL,
  -- The items of the plan, as JSON text, with the ids of the records that they create. NULL once the chunk is done.
  items           text,
  -- Elements of a JSON array. NULL until the chunk is done.
  results         text,
  attempts        integer     NOT NULL DEFAULT 0,
  next_attempt_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (team_id, job_id, chunk)
) WITH (fillfactor = 50);

DO $$
BEGIN
  ALTER TABLE import_chunks ALTER COLUMN items SET COMPRESSION lz4, ALTER COLUMN results SET COMPRESSION lz4;
EXCEPTION
  WHEN feature_not_supported THEN NULL;
END
$$;

CREATE POLICY team_isolation ON import_jobs   USING (team_id::text = current_setting('prism.team', true));
CREATE POLICY team_isolation ON import_chunks USING (team_id::text = current_setting('prism.team', true));
