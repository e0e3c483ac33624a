-- The tables. Every one but `teams` has team_id first in its primary key, and every statement of the product names it:
-- one team's rows can be found, distributed and walled off by that column alone.

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

-- key_id is the public part of a key, by which it is found; of the secret only a hash is kept.
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

-- A team's own property definitions; the built-in ones are constants of the program.
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

-- One slug per object type and list; the zero UUID stands for "no list", since NULLs are never equal.
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

-- The records. No index covers what a patch touches, so patches stay heap-only (HOT); the free space of each page is
-- where the new row versions go.
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
) WITH (fillfactor = 80);
