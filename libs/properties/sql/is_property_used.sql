-- Whether a record, live or deleted, has a value of the property. $4: the list; NULL for `default`. $5: only this option; NULL: any value.
-- No index serves it: in the worst case it reads every record of the object type.
SELECT EXISTS (
  SELECT FROM records AS r
   WHERE r.team_id = $1::uuid AND r.object_type = $2::text
     AND CASE WHEN $4::text IS NULL THEN r.properties ELSE r.list -> $4::text END ? $3::text
     AND ($5::text IS NULL
          OR CASE WHEN $4::text IS NULL THEN r.properties ELSE r.list -> $4::text END -> $3::text ? $5::text)
) AS used
