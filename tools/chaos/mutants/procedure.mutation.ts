import type { Database } from '#libs/database';

/** Changes to the code of a procedure in the database. */
export interface Mutation {
  routine: string;
  /** Each pattern must match exactly once, so that no mutant becomes ineffective when the procedure changes. */
  replacements: readonly (readonly [code: RegExp, replacement: string])[];
}

/** @throws if the code does not have exactly one place that matches a pattern */
export function mutate(definition: string, { routine, replacements }: Mutation): string {
  return replacements.reduce((code, [pattern, replacement]) => {
    const places = code.match(new RegExp(pattern, `${pattern.flags}g`))?.length ?? 0;
    if (places !== 1) throw new Error(`${routine} has ${places} places, not one, that match ${String(pattern)}`);
    return code.replace(pattern, replacement);
  }, definition);
}

/** Replaces the procedure in a database. */
export async function installMutation(database: Pick<Database, 'query'>, mutation: Mutation): Promise<void> {
  const { rows } = await database.query<{ definition: string }>(
    'SELECT pg_get_functiondef($1::regproc) AS definition',
    [mutation.routine],
  );
  if (rows[0] === undefined) throw new Error(`there is no ${mutation.routine}`);
  await database.query(mutate(rows[0].definition, mutation));
}
