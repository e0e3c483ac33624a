-- $9: the options in their order, as a JSON array.
WITH definition AS (
  INSERT INTO property_definitions (team_id, object_type, id, slug, type, name, required, list_id,
                                    lookup, lookup_state, lookup_since)
  VALUES ($1::uuid, $2::text, $3::uuid, $4::text, $5::text, $6::text, $7::boolean, $8::uuid,
          $10::text, $11::text, now())
)
INSERT INTO property_options (team_id, property_id, id, slug, value, position)
SELECT $1::uuid, $3::uuid, (o.option ->> 'id')::uuid, o.option ->> 'slug', o.option ->> 'value', o.n - 1
  FROM jsonb_array_elements($9::jsonb) WITH ORDINALITY AS o (option, n)
