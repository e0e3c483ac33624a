-- The effect of an item with this operation, if it is applied. That of some items differs: an update with skip_unchanged, and a
-- restore, can leave the record unchanged. NULL for `reject`.
CREATE OR REPLACE FUNCTION item_effect(p_op text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE p_op
    WHEN 'update' THEN 'updated'
    WHEN 'read' THEN 'unchanged'
    WHEN 'delete' THEN 'deleted'
    WHEN 'restore' THEN 'restored'
    WHEN 'create' THEN 'created'
    WHEN 'duplicate' THEN 'created'
  END
$$;
