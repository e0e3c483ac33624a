import { comparisonsOf, type Condition, isEveryRecord } from './condition';
import { conditionSql, isColumn } from './condition.sql';
import { lookupConditionsOf, lookupSql } from './lookup.sql';
import { afterSql, orderBySql, type OrderTerm, orderTerms } from './order.sql';
import type { QueryField } from './query.fields';
import type { RecordFilter, RecordQuery } from './record.query';
import { SqlParameters } from './sql.parameters';

/** A statement with its values. */
export interface QueryStatement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Postgres accepts at most 100 arguments of a function. */
const MAX_ARGUMENTS = 100;

/**
 * With more comparisons, a statement decompresses each record once for all of them: Postgres frees the memory of a decompression only
 * after the record.
 */
const MANY_COMPARISONS = 10;

/** The placeholder of the team. */
const TEAM = '$1';

/**
 * Row-level security needs prism.team before the first row is read: as in find_record.sql, the rows depend on the row of the CTE
 * that sets it. team_id is compared with the parameter too, so that the planner knows the team.
 */
function contextSql(isLocal: string): string {
  return `WITH context AS MATERIALIZED (SELECT set_config('prism.team', (${TEAM}::uuid)::text, ${isLocal})::uuid AS team)`;
}

/**
 * The same, in a statement that Postgres plans with its values each time, also when it is prepared: the planner replaces the expression
 * by true, and a plan for any values has the cost of `plan_with_values`.
 */
function valuesContextSql(parameters: SqlParameters): string {
  return contextSql(`${parameters.add(true)}::boolean OR plan_with_values()`);
}

/**
 * Reads one page as a single row: `entries`, the rows of the page as the elements of a JSON array, NULL for none; and `sort_values`,
 * those of the last row as a JSON array, NULL if no row follows. Postgres renders the rows, because the gateway would spend more
 * on receiving each of them.
 *
 * The page ends before the first row whose properties, with those of the rows before it, exceed the size limit. A first row that
 * exceeds it has no properties.
 *
 * The number of rows is part of the text: for a parameter the planner would expect a tenth of all records, and sort them.
 *
 * @param limitBytes the maximum size of the properties of all rows
 */
export function pageStatement(query: RecordQuery, limitBytes: number): QueryStatement {
  const parameters = parametersOf(query);
  const terms = orderTerms(query.order, query.fields.listId, parameters);
  const [context, records] = isNewestFirst(query)
    ? [contextSql('true'), newestPageSql(query, parameters)]
    : [valuesContextSql(parameters), sortedPageSql(query, terms, parameters)];
  const keys = terms.map((_, n) => `key_${n}`);
  const lastKeys = terms.map(({ text }, n) => text(`(array_agg(r.key_${n}))[count(r.entry)::integer]`));
  const deletedAt = query.deleted ? `COALESCE(',"deleted_at":"' || format_timestamp(r.deleted_at) || '"', '') || ` : '';
  const entryOf = (content: string): string => `'{"id":"' || r.id || '",${content} || ${deletedAt}'}'`;
  // The rows stay in the order of the innermost query. OFFSET 0 makes the planner evaluate each entry once.
  const text = `${context}
SELECT string_agg(r.entry, ',') AS entries,
       CASE WHEN count(r.entry) < count(*) THEN json_build_array(${lastKeys.join(', ')})::text END AS sort_values
  FROM (
    SELECT ${keys.join(', ')},
           CASE WHEN r.n > ${parameters.add(query.limit)}::bigint THEN NULL
                WHEN r.bytes <= ${parameters.add(limitBytes)}::bigint THEN ${entryOf(`"properties":' || r.properties`)}
                WHEN r.n = 1 THEN ${entryOf(`"record_omitted":true'`)} END AS entry
      FROM (
        SELECT r.id, ${query.deleted ? 'r.deleted_at, ' : ''}${keys.join(', ')}, r.properties, row_number() OVER page AS n, sum(octet_length(r.properties)) OVER page AS bytes
          FROM (
            SELECT r.id${query.deleted ? ', r.deleted_at' : ''}, ${terms.map(({ expression }, n) => `${expression} AS key_${n}`).join(', ')},
                   ${propertiesSql(query, parameters)} AS properties
              FROM context
             CROSS JOIN LATERAL ${records} AS r
            OFFSET 0
          ) AS r
        WINDOW page AS (ROWS UNBOUNDED PRECEDING)
      ) AS r
    OFFSET 0
  ) AS r`;
  return { text, values: parameters.values };
}

/** Whether a page is one of all live records, newest first. */
function isNewestFirst({ fields, condition, ids, deleted, order, offset }: RecordQuery): boolean {
  const isDefaultOrder =
    order.map(({ field, direction }) => `${field.source} ${direction}`).join() === 'created_at desc,id desc';
  return (
    isDefaultOrder &&
    isEveryRecord(condition) &&
    ids === undefined &&
    !deleted &&
    offset === 0 &&
    fields.listId === undefined
  );
}

/** The records of a page of all live records, newest first. */
function newestPageSql({ objectType, after, limit }: RecordQuery, parameters: SqlParameters): string {
  const [createdAt = null, id = null] = after ?? [];
  return `newest_records(context.team, ${parameters.add(objectType)}::text, ${parameters.add(createdAt)}::timestamptz, ${parameters.add(id)}::uuid, ${parameters.add(limit + 1)}::integer)`;
}

/** The records of any other page, in their order. */
function sortedPageSql(query: RecordQuery, terms: readonly OrderTerm[], parameters: SqlParameters): string {
  const where = whereSql(query, parameters);
  const after = query.after === undefined ? '' : ` AND ${afterSql(terms, query.after, parameters)}`;
  const rows = query.limit + 1;
  const offset = query.offset === 0 ? undefined : `${parameters.add(query.offset)}::bigint`;
  const order = orderBySql(terms);
  const columns = `r.id, r.properties, r.list, r.created_at, r.updated_at${query.deleted ? ', r.deleted_at' : ''}`;
  const part = (state: string): string =>
    `(SELECT ${columns} FROM records AS r WHERE ${where}${after} AND r.deleted_at ${state} ORDER BY ${order} LIMIT ${rows}`;
  if (!query.deleted) return `${part('IS NULL')}${offset === undefined ? '' : ` OFFSET ${offset}`})`;
  // Live and deleted records have an index each. Both parts are in order, so the planner merges them.
  const parts = ['IS NULL', 'IS NOT NULL'].map(
    (state) => `${part(state)}${offset === undefined ? '' : ` + ${offset}`})`,
  );
  return `(
           SELECT r.*
             FROM (${parts.join(' UNION ALL ')}) AS r
            ORDER BY ${order}
            LIMIT ${rows}${offset === undefined ? '' : ` OFFSET ${offset}`}
         )`;
}

/** Counts the records of a filter. */
export function countStatement(filter: RecordFilter): QueryStatement {
  const parameters = parametersOf(filter);
  const where = whereSql(filter, parameters);
  const text = `${valuesContextSql(parameters)}
SELECT found.total FROM context CROSS JOIN LATERAL (SELECT count(*)::text AS total FROM records AS r WHERE ${where}${filter.deleted ? '' : ' AND r.deleted_at IS NULL'}) AS found`;
  return { text, values: parameters.values };
}

/**
 * Reads the first two records of a filter, in any order, with all their properties. Two show that the filter does not identify one.
 * Live records only.
 */
export function findStatement(filter: RecordFilter): QueryStatement {
  const parameters = parametersOf(filter);
  const text = `${valuesContextSql(parameters)}
SELECT found.etag, found.record
  FROM context
 CROSS JOIN LATERAL (
   SELECT record_etag(r.version, r.updated_at) AS etag,
          record_json(r.id, r.properties, r.list, r.extended, r.created_at, r.updated_at) AS record
     FROM records AS r
    WHERE ${whereSql(filter, parameters)} AND r.deleted_at IS NULL
    LIMIT 2
 ) AS found`;
  return { text, values: parameters.values };
}

/** The team is the first parameter. */
function parametersOf({ teamId }: RecordFilter): SqlParameters {
  const parameters = new SqlParameters();
  parameters.add(teamId);
  return parameters;
}

/** The condition on a record `r`. It refers to `context`. */
function whereSql(filter: RecordFilter, parameters: SqlParameters): string {
  const { objectType, fields, ids, condition, deleted } = filter;
  // Deleted records are in no lookup.
  const lookups = deleted ? [] : lookupConditionsOf(condition);
  return [
    `r.team_id = context.team AND r.team_id = ${TEAM}::uuid AND r.object_type = ${parameters.add(objectType)}::text`,
    ...(ids === undefined ? [] : [`r.id = ANY (${parameters.add(ids)}::uuid[])`]),
    ...lookups.map((each) => lookupSql(each, TEAM, parameters)),
    ...(fields.listId === undefined ? [] : [`COALESCE(r.list ? ${parameters.text(fields.listId)}, false)`]),
    conditionsSql(condition, fields.listId, parameters),
  ].join(' AND ');
}

/** The condition of a filter. Its parts on columns stay apart, so that an index can serve them. */
function conditionsSql(condition: Condition, listId: string | undefined, parameters: SqlParameters): string {
  const all = 'all' in condition ? condition.all : [condition];
  const onBlocks = all.filter((each) => !comparisonsOf(each).every(({ field }) => isColumn(field)));
  if (onBlocks.flatMap(comparisonsOf).length <= MANY_COMPARISONS) return conditionSql(condition, listId, parameters);
  const onColumns = all.filter((each) => !onBlocks.includes(each));
  const sql = conditionSql({ all: onBlocks }, listId, parameters);
  // Decompresses the blocks once, as for selected properties.
  const once = `(SELECT ${sql} FROM (SELECT r.id, r.created_at, r.updated_at, r.properties || '{}' AS properties, r.list || '{}' AS list OFFSET 0) AS r)`;
  return [...onColumns.map((each) => conditionSql(each, listId, parameters)), once].join(' AND ');
}

/** The properties of a record `r` as the text of a JSON object: the selected ones, those of the list over those of the object type. */
function propertiesSql({ fields, selection }: RecordQuery, parameters: SqlParameters): string {
  const { listId } = fields;
  const list = listId === undefined ? undefined : `r.list -> ${parameters.text(listId)}`;
  if (selection === undefined) {
    const times = (['created_at', 'updated_at'] as const).filter((slug) => fields.sourceOf(slug) === slug);
    const ofColumns = times.map((slug) => `'${slug}', format_timestamp(r.${slug})`).join(', ');
    const ofList =
      list === undefined ? '' : ` - ${parameters.add(fields.listSlugs)}::text[] || COALESCE(${list}, '{}')`;
    return `(r.properties${ofList} || jsonb_build_object(${ofColumns}))::text`;
  }
  const members = selection.flatMap((slug) => {
    const value = memberSql(slug, fields.sourceOf(slug), parameters);
    return value === undefined ? [] : [`${parameters.text(`,${JSON.stringify(slug)}:`)} || ${value}`];
  });
  if (members.length === 0) return `'{}'`;
  // A member without a value is NULL, which concat leaves out.
  const groups = chunksOf(members, MAX_ARGUMENTS).map((group) => `concat(${group.join(', ')})`);
  // Decompresses the properties once, not once per member: `|| '{}'` returns them decompressed.
  return `(SELECT '{' || substr(${groups.join(' || ')}, 2) || '}' FROM (SELECT r.properties || '{}' AS properties, ${list ?? 'NULL::jsonb'} AS block, r.created_at, r.updated_at OFFSET 0) AS r)`;
}

/** The value of a selected property as JSON text; undefined for the id, which is a member of the row. */
function memberSql(
  slug: string,
  source: QueryField['source'] | undefined,
  parameters: SqlParameters,
): string | undefined {
  switch (source) {
    case 'created_at':
    case 'updated_at':
      return `'"' || format_timestamp(r.${source}) || '"'`;
    case 'default':
      return `(r.properties -> ${parameters.text(slug)})::text`;
    case 'list':
      return `(r.block -> ${parameters.text(slug)})::text`;
    default:
      return undefined;
  }
}

function chunksOf<T>(elements: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(elements.length / size) }, (_, n) => elements.slice(n * size, (n + 1) * size));
}
