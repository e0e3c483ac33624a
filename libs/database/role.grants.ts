import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { escapeIdentifier } from 'pg';
import type { Database } from './database';

/** The programs that can run under a role of their own, each with what it needs in `rights/<program>.sql`. */
export type Program = 'gateway' | 'worker';

/** A role cannot be given a program's rights. The message says why, and how to mend it. */
export class RoleError extends Error {
  override readonly name = 'RoleError';
}

interface RoleFacts {
  schema: string;
  exists: boolean;
  /** It has every right of the tables' owner: as that owner, as a member of it, or as a superuser. */
  owns: boolean;
}

const READ_FACTS = `
  SELECT current_schema() AS schema, r.rolname IS NOT NULL AS exists,
         COALESCE(pg_has_role(r.oid, t.relowner, 'MEMBER'), false) AS owns
    FROM pg_class AS t
    LEFT JOIN pg_roles AS r ON r.rolname = $1
   WHERE t.oid = 'records'::regclass`;

/**
 * Gives a role that exists the rights that a program needs on a migrated database. Takes none away, so that it may be done
 * again at any time and by any version: a role that has been given nothing else has nothing else.
 *
 * @param database to which the tables' owner is connected
 * @throws RoleError if there is no such role, or it owns the tables
 */
export async function applyGrants(database: Database, program: Program, role: string): Promise<void> {
  await database.transaction(async (client) => {
    // Two that change the rights of one table at the same time would fail over its row in the catalogue.
    await client.query("SELECT pg_advisory_xact_lock(hashtext('schema_migrations'))");
    const { rows } = await client.query<RoleFacts>(READ_FACTS, [role]);
    await client.query(grantsOf(program, role, rows[0]));
  });
}

function grantsOf(program: Program, role: string, facts: RoleFacts | undefined): string {
  if (!facts?.exists) {
    throw new RoleError(
      `there is no role "${role}": make it, with CREATE ROLE ${escapeIdentifier(role)} LOGIN PASSWORD '...'`,
    );
  }
  if (facts.owns) {
    throw new RoleError(`the role "${role}" owns the tables or is a superuser: give the ${program} a role of its own`);
  }
  return readFileSync(join(__dirname, 'grants', `${program}.sql`), 'utf8')
    .replaceAll('{schema}', escapeIdentifier(facts.schema))
    .replaceAll('{role}', escapeIdentifier(role));
}
