-- Lookups: the records that have a value of a property, for properties with `lookup`. The table is apart from `records`, so that
-- patches that change no such value stay HOT. Only live records have rows.
--
-- The value is a hash (lookup_hash): values can be longer than an index entry, and lookups compare nothing but equality.
CREATE TABLE record_lookups (
  team_id     uuid  NOT NULL,
  record_id   uuid  NOT NULL,
  property_id uuid  NOT NULL,
  value_hash  bytea NOT NULL,
  PRIMARY KEY (team_id, record_id, property_id)
);
CREATE INDEX record_lookups_value ON record_lookups (team_id, property_id, value_hash, record_id);
-- COALESCE: see 0004_record_order.sql.
CREATE POLICY team_isolation ON record_lookups
  USING (COALESCE(team_id::text = current_setting('prism.team', true), false));

-- lookup: none, indexed or unique.
-- lookup_state
--   building   the worker adds the values that records had before; queries do not use the lookup yet
--   verifying  every value is there, and the worker has to check that each is unique
--   ready      every value is there, and unique if `lookup` is
--   failed     every value is there, but some are not unique
--   removing   `lookup` is none; gateways keep the rows until no other one uses them, then the worker deletes them
-- lookup_since: the last change of `lookup`. lookup_cursor: the last record that the worker has visited.
ALTER TABLE property_definitions
  ADD lookup        text NOT NULL DEFAULT 'none',
  ADD lookup_state  text,
  ADD lookup_since  timestamptz,
  ADD lookup_cursor uuid;
CREATE INDEX property_definitions_lookup_work ON property_definitions (lookup_since)
 WHERE lookup_state IN ('building', 'verifying', 'removing');

-- The ids of the records that matched items of a batch were applied to, by position: for an attempt that finds such an item settled,
-- without an outcome. The value may belong to another record by then.
ALTER TABLE idempotency_progress ADD matched jsonb;

-- The built-in lookups: organization.primary_domain and contact.email, as lookup_hash has them.
INSERT INTO record_lookups (team_id, record_id, property_id, value_hash)
SELECT r.team_id, r.id, b.property_id, sha256(convert_to(r.properties ->> b.slug, 'UTF8'))
  FROM (VALUES ('organization', 'primary_domain', '149fcf68-f04b-5b32-afe3-a0a007aeb808'::uuid),
               ('contact', 'email', 'adcc6c20-6e29-5ed1-b0d2-784a2259f20a'::uuid)) AS b (object_type, slug, property_id)
  JOIN records AS r ON r.object_type = b.object_type AND r.deleted_at IS NULL AND r.properties ->> b.slug IS NOT NULL;
