import { migrate } from '#libs/database';
import type { Command } from 'commander';
import type { AdminSession } from './admin.session';

export function addMigrateCommand(program: Command, session: AdminSession): void {
  program
    .command('migrate')
    .description(
      'Bring the schema of the database of DATABASE_URL up to date. Harmless if it is, or if two do it at once.',
    )
    .option('--json', 'print a JSON document')
    .action(async (options: { json?: true }) => {
      const applied = await migrate(session.settings().databaseUrl);
      if (options.json) session.printJson({ applied });
      else
        session.print(
          applied.length === 0 ? 'the schema is up to date' : applied.map((name) => `applied ${name}`).join('\n'),
        );
    });
}
