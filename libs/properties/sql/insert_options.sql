-- Options after those that their properties have, in this order.
INSERT INTO property_options (team_id, property_id, id, slug, value, position)
SELECT $1::uuid, n.property_id, n.id, n.slug, n.value,
       n.n + COALESCE((SELECT max(o.position) FROM property_options AS o
                        WHERE o.team_id = $1::uuid AND o.property_id = n.property_id), -1)
  FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[]) WITH ORDINALITY AS n (property_id, id, slug, value, n)
