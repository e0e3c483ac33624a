import { applyGrants, migrate } from '#libs/database';
import type { Command } from 'commander';
import type { AdminSession } from './admin.session';

interface MigrateOptions {
  gatewayRole?: string;
  workerRole?: string;
  json?: true;
}

export function addMigrateCommand(program: Command, session: AdminSession): void {
  program
    .command('migrate')
    .description(
      'Bring the schema of the database of DATABASE_URL up to date. Harmless if it is, or if two do it at once.',
    )
    .option('--gateway-role <name>', 'a role that is given the rights which gateways need')
    .option('--worker-role <name>', 'a role that is given the rights which workers need')
    .option('--json', 'print a JSON document')
    .action(async ({ gatewayRole, workerRole, json }: MigrateOptions) => {
      const applied = await migrate(session.settings().databaseUrl);
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
