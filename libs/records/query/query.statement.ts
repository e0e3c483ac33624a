import { conditionSql } from './condition.sql';
import { lookupConditionsOf, lookupSql } from './lookup.sql';
import { afterSql, orderBySql, orderTerms } from './order.sql';
import type { QueryFields } from './query.fields';
import type { RecordFilter, RecordQuery } from './record.query';
import { SqlParameters } from './sql.parameters';

/** A statement with its values. It has no name: the planner then knows the values, and connections keep no statements. */
export interface QueryStatement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/*
 * Row-level security needs prism.team before the first row is read: as in find_record.sql, the rows depend on the row of the CTE
 * that sets it. team_id is compared with the parameter too, so that the planner knows the team.
 */
const CONTEXT = "WITH context AS MATERIALIZED (SELECT set_config('prism.team', ($1::uuid)::text, true)::uuid AS team)";

/**
 * Reads one page. `found` is the number of rows that were found for it: at most one more than the page can have, which tells
 * that there is a next page. Rows that would exceed the size limit are left out; the first one is returned without its
 * properties instead.
 *
 * @param limitBytes the maximum size of the properties of all rows
 */
export function pageStatement(query: RecordQuery, limitBytes: number): QueryStatement {
  const parameters = new SqlParameters();
  const where = recordsSql(query, parameters);
  const terms = orderTerms(query.order, query.fields.listId, parameters);
  const after = query.after === undefined ? '' : ` AND ${afterSql(terms, query.after, parameters)}`;
  const limit = `${parameters.add(query.limit)}::integer`;
  const offset = `${parameters.add(query.offset)}::bigint`;
  const bytes = `${parameters.add(limitBytes)}::bigint`;
  const order = orderBySql(terms);
  // Live and deleted records have an index each. Both parts are in order, so the planner merges them.
  const part = (state: string): string =>
    `(SELECT r.* FROM records AS r WHERE ${where}${after} AND r.deleted_at ${state} ORDER BY ${order} LIMIT ${limit} + 1 + ${offset})`;
  const text = `${CONTEXT}
SELECT page.id, page.deleted_at, page.sort_values, page.found::integer AS found,
       CASE WHEN page.bytes <= ${bytes} THEN page.properties END AS properties
  FROM (
    SELECT rendered.*, sum(octet_length(rendered.properties)) OVER (ORDER BY rendered.place) AS bytes
      FROM (
        SELECT numbered.id, numbered.deleted_at, numbered.sort_values, numbered.place, numbered.found,
               CASE WHEN numbered.place <= ${limit} THEN (${propertiesSql(query, parameters)})::text END AS properties
          FROM (
            -- The rows arrive in order.
            SELECT found.*, row_number() OVER () AS place, count(*) OVER () AS found
              FROM context
             CROSS JOIN LATERAL (
               SELECT r.id, r.properties, r.list, r.created_at, r.updated_at, format_timestamp(r.deleted_at) AS deleted_at,
                      ARRAY[${terms.map(({ text }) => text).join(', ')}] AS sort_values
                 FROM ${query.deleted ? `(${part('IS NULL')} UNION ALL ${part('IS NOT NULL')})` : part('IS NULL')} AS r
                ORDER BY ${order}
                LIMIT ${limit} + 1 OFFSET ${offset}
             ) AS found
          ) AS numbered
        OFFSET 0
      ) AS rendered
  ) AS page
 WHERE page.place <= ${limit} AND (page.bytes <= ${bytes} OR page.place = 1)
 ORDER BY page.place`;
  return { text, values: parameters.values };
}

/** Counts the records of a filter. */
export function countStatement(filter: RecordFilter): QueryStatement {
  const parameters = new SqlParameters();
  const where = recordsSql(filter, parameters);
  const text = `${CONTEXT}
SELECT found.total FROM context CROSS JOIN LATERAL (SELECT count(*)::text AS total FROM records AS r WHERE ${where}${filter.deleted ? '' : ' AND r.deleted_at IS NULL'}) AS found`;
  return { text, values: parameters.values };
}

/**
 * Reads the first two records of a filter, in any order, with all their properties. Two tell that the filter identifies none.
 * Live records only.
 */
export function findStatement(filter: RecordFilter): QueryStatement {
  const parameters = new SqlParameters();
  const text = `${CONTEXT}
SELECT found.etag, found.record
  FROM context
 CROSS JOIN LATERAL (
   SELECT record_etag(r.version, r.updated_at) AS etag,
          record_json(r.id, r.properties, r.list, r.extended, r.created_at, r.updated_at) AS record
     FROM records AS r
    WHERE ${recordsSql(filter, parameters)} AND r.deleted_at IS NULL
    LIMIT 2
 ) AS found`;
  return { text, values: parameters.values };
}

/** The condition on a record `r`. It refers to `context`. */
function recordsSql(filter: RecordFilter, parameters: SqlParameters): string {
  const { teamId, objectType, fields, ids, condition, deleted } = filter;
  const team = parameters.add(teamId); // $1
  // Deleted records are in no lookup.
  const lookups = deleted ? [] : lookupConditionsOf(condition);
  return [
    `r.team_id = context.team AND r.team_id = ${team}::uuid AND r.object_type = ${parameters.add(objectType)}::text`,
    ...(ids === undefined ? [] : [`r.id = ANY (${parameters.add(ids)}::uuid[])`]),
    ...lookups.map((each) => lookupSql(each, team, parameters)),
    ...(fields.listId === undefined ? [] : [`COALESCE(r.list ? ${parameters.text(fields.listId)}, false)`]),
    conditionSql(condition, fields.listId, parameters),
  ].join(' AND ');
}

/** The properties of a row `numbered` as jsonb: the selected ones, those of the list over those of the object type. */
function propertiesSql({ fields, selection }: RecordQuery, parameters: SqlParameters): string {
  const { listId } = fields;
  const list = listId === undefined ? undefined : `numbered.list -> ${parameters.text(listId)}`;
  const isSelected = (slug: string): boolean => selection === undefined || selection.includes(slug);
  const times = (['created_at', 'updated_at'] as const)
    .filter((slug) => isSelected(slug) && fields.sourceOf(slug) === slug)
    .map((slug) => `, '${slug}', format_timestamp(numbered.${slug})`)
    .join('');
  const ofColumns = times === '' ? '' : ` || jsonb_build_object(${times.slice(2)})`;
  const own =
    selection === undefined
      ? 'numbered.properties'
      : picked('numbered.properties', slugsOf(fields, selection, 'default'), parameters);
  if (list === undefined) return own + ofColumns;
  if (selection !== undefined)
    return `${own} || ${picked(list, slugsOf(fields, selection, 'list'), parameters)}${ofColumns}`;
  return `(${own} - ${parameters.add(fields.listSlugs)}::text[]) || COALESCE(${list}, '{}')${ofColumns}`;
}

function slugsOf(fields: QueryFields, selection: readonly string[], source: 'default' | 'list'): string[] {
  return selection.filter((slug) => fields.sourceOf(slug) === source);
}

function picked(block: string, slugs: readonly string[], parameters: SqlParameters): string {
  return slugs.length === 0 ? "'{}'::jsonb" : `pick_properties(${block}, ${parameters.add(slugs)}::text[])`;
}
