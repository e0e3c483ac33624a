-- Every table except `teams` has team_id first in its primary key, and every statement of the programs names it: rows can be
-- found, distributed over servers, and protected by that column alone.

CREATE TABLE teams (
  id         uuid        PRIMARY KEY,
  name       text        NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- A calling application: the scope of an Idempotency-Key and the owner of API keys.
CREATE TABLE clients (
  team_id    uuid        NOT NULL REFERENCES teams (id),
  id         uuid        NOT NULL,
  name       text        NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (team_id, id),
  UNIQUE (team_id, name)
);

-- Rate limits of single clients: an average per second, and a burst that may be used at once. The bytes are those of request
-- and response bodies. NULL: the default of the gateways applies. 0: unlimited.
CREATE TABLE client_limits (
  team_id             uuid    NOT NULL,
  client_id           uuid    NOT NULL,
  items_per_second    integer CHECK (items_per_second BETWEEN 0 AND 1000000),
  items_burst         integer CHECK (items_burst BETWEEN 0 AND 1000000),
  requests_per_second integer CHECK (requests_per_second BETWEEN 0 AND 1000000),
  requests_burst      integer CHECK (requests_burst BETWEEN 0 AND 1000000),
  bytes_per_second    integer CHECK (bytes_per_second BETWEEN 0 AND 1000000000),
  bytes_burst         integer CHECK (bytes_burst BETWEEN 0 AND 1000000000),
  PRIMARY KEY (team_id, client_id),
  FOREIGN KEY (team_id, client_id) REFERENCES clients (team_id, id),
  -- Rate and burst are set together. A burst of 0 would admit nothing, so it goes with the rate 0 alone.
  CHECK ((items_per_second IS NULL) = (items_burst IS NULL) AND (items_per_second = 0) = (items_burst = 0)),
  CHECK ((requests_per_second IS NULL) = (requests_burst IS NULL) AND (requests_per_second = 0) = (requests_burst = 0)),
  CHECK ((bytes_per_second IS NULL) = (bytes_burst IS NULL) AND (bytes_per_second = 0) = (bytes_burst = 0))
);

-- key_id is the public part of a key and identifies it. Of the secret part only a hash is stored.
CREATE TABLE api_keys (
  team_id     uuid        NOT NULL,
  id          uuid        NOT NULL,
  client_id   uuid        NOT NULL,
  key_id      text        NOT NULL UNIQUE,
  secret_hash bytea       NOT NULL CHECK (octet_length(secret_hash) = 32),
  scopes      text[]      NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT now(),
  expires_at  timestamptz,
  revoked_at  timestamptz,
  PRIMARY KEY (team_id, id),
  FOREIGN KEY (team_id, client_id) REFERENCES clients (team_id, id)
);

-- A team's own property definitions. The built-in ones are constants of the program.
CREATE TABLE property_definitions (
  team_id     uuid        NOT NULL REFERENCES teams (id),
  object_type text        NOT NULL,
  id          uuid        NOT NULL,
  slug        text        NOT NULL,
  type        text        NOT NULL,
  name        text        NOT NULL,
  required    boolean     NOT NULL DEFAULT false,
  native      boolean     NOT NULL DEFAULT false,
  locked      boolean     NOT NULL DEFAULT false,
  list_id     uuid,
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (team_id, id)
);

-- One slug per object type and list. The zero UUID stands for "no list", because a unique index treats NULLs as distinct.
CREATE UNIQUE INDEX property_definitions_slug ON property_definitions
  (team_id, object_type, (COALESCE(list_id, '00000000-0000-0000-0000-000000000000'::uuid)), slug);

CREATE TABLE property_options (
  team_id     uuid    NOT NULL,
  property_id uuid    NOT NULL,
  id          uuid    NOT NULL,
  slug        text    NOT NULL,
  value       text    NOT NULL,
  position    integer NOT NULL DEFAULT 0,
  PRIMARY KEY (team_id, id),
  UNIQUE (team_id, property_id, slug)
);

-- No index covers a column that a patch changes, so patches are heap-only tuple (HOT) updates. The free space of each page
-- (fillfactor) holds the new row versions. Autovacuum runs after changes of 5% of the rows, not 20%, so that one run freezes
-- less at a time (docs/transaction-ids.md).
CREATE TABLE records (
  team_id     uuid           NOT NULL,
  id          uuid           NOT NULL,
  object_type text           NOT NULL,
  properties  jsonb          NOT NULL DEFAULT '{}',
  list        jsonb          NOT NULL DEFAULT '{}',
  extended    jsonb          NOT NULL DEFAULT '{}',
  version     bigint         NOT NULL DEFAULT 1,
  created_at  timestamptz(3) NOT NULL DEFAULT now(),
  updated_at  timestamptz(3) NOT NULL DEFAULT now(),
  deleted_at  timestamptz(3),
  PRIMARY KEY (team_id, id)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05);
