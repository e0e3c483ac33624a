import { applyGrants, migrate, readSchemaFiles, setRowLevelSecurity } from '#libs/database';
import { Argument, type Command } from 'commander';
import type { AdminSession } from './admin.session';

interface MigrateOptions {
  gatewayRole?: string;
  workerRole?: string;
  json?: true;
}

export function addMigrateCommand(program: Command, session: AdminSession): void {
  program
    .command('migrate')
    .description('Apply pending migrations to the database of DATABASE_URL. Safe to run again, even concurrently.')
    .option('--gateway-role <name>', 'a role to grant the privileges that gateways need')
    .option('--worker-role <name>', 'a role to grant the privileges that workers need')
    .option('--json', 'print a JSON document')
    .action(async ({ gatewayRole, workerRole, json }: MigrateOptions) => {
      const settings = session.settings();
      const applied = await migrate(settings.databaseUrl, readSchemaFiles(), { pooler: settings });
      await session.withDatabase(async (database) => {
        if (gatewayRole !== undefined) await applyGrants(database, 'gateway', gatewayRole);
        if (workerRole !== undefined) await applyGrants(database, 'worker', workerRole);
      });
      if (json) {
        session.printJson({ applied, gateway_role: gatewayRole ?? null, worker_role: workerRole ?? null });
        return;
      }
      session.print(
        applied.length === 0 ? 'the schema is up to date' : applied.map((name) => `applied ${name}`).join('\n'),
      );
      if (gatewayRole !== undefined) session.print(`the role ${gatewayRole} can run gateways`);
      if (workerRole !== undefined) session.print(`the role ${workerRole} can run workers`);
    });
}

export function addRowLevelSecurityCommand(program: Command, session: AdminSession): void {
  program
    .command('row-level-security')
    .description("Enable or disable Postgres row-level security: each team's rows are then hidden from other teams.")
    .addArgument(new Argument('<state>').choices(['on', 'off']))
    .option('--json', 'print a JSON document')
    .action(async (state: string, { json }: { json?: true }) => {
      const { tables, owner } = await session.withDatabase((database) => setRowLevelSecurity(database, state === 'on'));
      const scope = state === 'on' ? `, for all roles except their owner ${owner} and superusers` : '';
      if (json) session.printJson({ row_level_security: state, tables, owner });
      else session.print(`row-level security is ${state} for ${tables.length} tables${scope}`);
    });
}
