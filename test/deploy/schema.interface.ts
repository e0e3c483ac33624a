import type { Session } from '../support/session';

/**
 * The parts of a schema that programs rely on. Programs of the previous version keep running after a migration, so that a
 * migration may only add to them.
 */
export interface SchemaInterface {
  /** The type by `table.column`. */
  columns: Map<string, string>;
  /** `table.column` that an INSERT may omit. */
  optional: Set<string>;
  /** The result type by `name(arguments)`, with modes, names, types and defaults. */
  routines: Map<string, string>;
  /** Constraints and unique indexes by table. */
  rules: Map<string, Set<string>>;
}

const columns = `
  SELECT c.relname || '.' || a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
         NOT a.attnotnull OR a.atthasdef OR a.attidentity <> '' AS optional
    FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
   WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v') AND a.attnum > 0
     AND NOT a.attisdropped AND NOT c.relispartition AND c.relname NOT IN ('schema_migrations', 'schema_functions')`;

const routines = `
  SELECT p.proname || '(' || pg_get_function_arguments(p.oid) || ')' AS name,
         p.prokind::text || ' ' || COALESCE(pg_get_function_result(p.oid), '') AS result
    FROM pg_proc AS p WHERE p.pronamespace = current_schema()::regnamespace`;

// A constraint that restricts rows, or a unique index.
const rules = `
  SELECT k.conrelid::regclass::text AS of, pg_get_constraintdef(k.oid) AS rule
    FROM pg_constraint AS k WHERE k.connamespace = current_schema()::regnamespace AND k.contype IN ('c', 'f', 'p', 'u', 'x')
   UNION
  SELECT i.indrelid::regclass::text, 'UNIQUE ' || regexp_replace(pg_get_indexdef(i.indexrelid), '^.* USING ', '')
    FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
   WHERE c.relnamespace = current_schema()::regnamespace AND i.indisunique`;

/** Reads the interface of the current schema. */
export async function interfaceOf(session: Session): Promise<SchemaInterface> {
  const columnRows = await session.query<{ name: string; type: string; optional: boolean }>(columns);
  const routineRows = await session.query<{ name: string; result: string }>(routines);
  const ruleRows = await session.query<{ of: string; rule: string }>(rules);
  const rulesByTable = new Map<string, Set<string>>();
  for (const { of, rule } of ruleRows) rulesByTable.set(of, (rulesByTable.get(of) ?? new Set()).add(rule));
  return {
    columns: new Map(columnRows.map(({ name, type }) => [name, type])),
    optional: new Set(columnRows.filter(({ optional }) => optional).map(({ name }) => name)),
    routines: new Map(routineRows.map(({ name, result }) => [name, result])),
    rules: rulesByTable,
  };
}

/** The incompatibilities for a program written for `before`, as messages. */
export function incompatibilities(before: SchemaInterface, after: SchemaInterface): string[] {
  return [...columnChanges(before, after), ...routineChanges(before, after), ...ruleChanges(before, after)];
}

function columnChanges(before: SchemaInterface, after: SchemaInterface): string[] {
  const tables = new Set([...before.columns.keys()].map(tableOf));
  const changed = [...before.columns].flatMap(([name, type]) => {
    const now = after.columns.get(name);
    if (now === undefined) return [`column ${name} is gone`];
    if (now !== type) return [`column ${name} was ${type} and is ${now}`];
    return before.optional.has(name) && !after.optional.has(name) ? [`column ${name} must now be given a value`] : [];
  });
  const required = [...after.columns.keys()].filter(
    (name) => tables.has(tableOf(name)) && !before.columns.has(name) && !after.optional.has(name),
  );
  return [...changed, ...required.map((name) => `the new column ${name} must be given a value`)];
}

function routineChanges(before: SchemaInterface, after: SchemaInterface): string[] {
  const added = [...after.routines.keys()].filter((name) => !before.routines.has(name));
  return [...before.routines].flatMap(([name, result]) => {
    const now = after.routines.get(name);
    if (now === undefined) return [`${name} is gone: keep it beside the new one`];
    if (now !== result) return [`${name} returns another result`];
    return added
      .filter((other) => isAmbiguousWith(name, other))
      .map((other) => `a call of ${name} could mean ${other} as well`);
  });
}

function ruleChanges(before: SchemaInterface, after: SchemaInterface): string[] {
  return [...before.rules].flatMap(([table, known]) => {
    const now = after.rules.get(table) ?? new Set();
    const more = [...now].filter((rule) => !known.has(rule)).map((rule) => `${table} has a new rule: ${rule}`);
    const less = [...known].filter((rule) => /^(UNIQUE|PRIMARY)/.test(rule) && !now.has(rule));
    return [...more, ...less.map((rule) => `${table} has lost what ON CONFLICT names: ${rule}`)];
  });
}

function tableOf(column: string): string {
  return column.slice(0, column.indexOf('.'));
}

/** Whether a call with all arguments of one function by name is ambiguous with the other. */
function isAmbiguousWith(one: string, other: string): boolean {
  const [name, given] = signatureOf(one);
  const [otherName, accepted] = signatureOf(other);
  if (name !== otherName) return false;
  const names = given.map(argumentName);
  const all = accepted.map(argumentName);
  const needed = accepted.filter((argument) => !argument.includes(' DEFAULT ')).map(argumentName);
  return names.every((argument) => all.includes(argument)) && needed.every((argument) => names.includes(argument));
}

function signatureOf(routine: string): [name: string, args: string[]] {
  const open = routine.indexOf('(');
  const inner = routine.slice(open + 1, -1);
  return [routine.slice(0, open), inner === '' ? [] : inner.split(', ')];
}

function argumentName(argument: string): string {
  return argument.replace(/^(IN|OUT|INOUT|VARIADIC) /, '').split(' ')[0] ?? '';
}
