import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { escapeIdentifier } from 'pg';
import { areTablesDistributed } from './cluster.setup';
import type { ConnectionPool } from './connection.pool';
import { lockSchema } from './schema.lock';

/** The programs that can run under a role of their own. `grants/<program>.sql` lists the privileges of each. */
export type ProgramName = 'gateway' | 'worker';

/** A role cannot receive a program's privileges. The message says why, and how to correct it. */
class RoleError extends Error {
  override readonly name = 'RoleError';
}

interface RoleState {
  schema: string;
  exists: boolean;
  /** It has every privilege of the tables' owner: as that owner, as a member of it, or as a superuser. */
  ownsTables: boolean;
}

const READ_ROLE_STATE = `
  SELECT current_schema() AS schema, r.rolname IS NOT NULL AS exists,
         COALESCE(pg_has_role(r.oid, t.relowner, 'MEMBER'), false) AS "ownsTables"
    FROM pg_class AS t
    LEFT JOIN pg_roles AS r ON r.rolname = $1
   WHERE t.oid = 'records'::regclass`;

/**
 * Grants a role the privileges that a program needs on a migrated database. Revokes none, so it can be repeated at any time
 * and by any version.
 *
 * @param database connected as the owner of the tables
 * @throws RoleError if the role does not exist or owns the tables
 */
export async function applyGrants(database: ConnectionPool, program: ProgramName, role: string): Promise<void> {
  await database.transaction(async (client) => {
    // Two concurrent GRANTs on one table fail, because both update its row in pg_class.
    await lockSchema(client);
    const { rows } = await client.query<RoleState>(READ_ROLE_STATE, [role]);
    await client.query(grantsOf(program, role, rows[0]));
    // Citus adds the defaults of all columns to an INSERT before another node checks its privileges.
    if (program === 'gateway' && (await areTablesDistributed(client))) {
      await client.query(
        `GRANT INSERT (native, locked, created_at, updated_at) ON property_definitions TO ${escapeIdentifier(role)}`,
      );
    }
  });
}

function grantsOf(program: ProgramName, role: string, state: RoleState | undefined): string {
  if (!state?.exists) {
    throw new RoleError(
      `there is no role "${role}": create it with CREATE ROLE ${escapeIdentifier(role)} LOGIN PASSWORD '...'`,
    );
  }
  if (state.ownsTables) {
    throw new RoleError(`the role "${role}" owns the tables or is a superuser: give the ${program} a role of its own`);
  }
  return readFileSync(join(__dirname, 'grants', `${program}.sql`), 'utf8')
    .replaceAll('{schema}', escapeIdentifier(state.schema))
    .replaceAll('{role}', escapeIdentifier(role));
}
