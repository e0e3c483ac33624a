import { applyGrants, type Database, setRowLevelSecurity } from '#libs/database';

/** The roles of the programs. */
export const programRoles = { gateway: 'prism_gateway', worker: 'prism_worker' } as const;

/** Secures a migrated database as in production: one role per program, and row-level security. */
export async function createProgramRoles(database: Database): Promise<void> {
  for (const program of ['gateway', 'worker'] as const) {
    await database.query(`CREATE ROLE ${programRoles[program]} LOGIN`);
    await applyGrants(database, program, programRoles[program]);
  }
  await setRowLevelSecurity(database, true);
}
