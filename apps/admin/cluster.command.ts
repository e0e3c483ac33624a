import { initCluster } from '#libs/database';
import type { Command } from 'commander';
import type { AdminSession } from './admin.session';

export function addClusterCommands(program: Command, session: AdminSession): void {
  const cluster = program.command('cluster').description('Distribute the database over the nodes of a Citus cluster.');
  cluster
    .command('init')
    .description('Distribute the tables of the database of DATABASE_URL by team. Safe to run again, and with data.')
    .option('--json', 'print a JSON document')
    .action(async ({ json }: { json?: true }) => {
      const { tables, nodes } = await session.withDatabase((database) => initCluster(database));
      if (json) {
        session.printJson({ distributed: tables, nodes });
        return;
      }
      session.print(
        tables.length === 0 ? 'every table is distributed' : tables.map((name) => `distributed ${name}`).join('\n'),
      );
      session.print(`records are stored on ${nodes.join(', ')}`);
    });
}
