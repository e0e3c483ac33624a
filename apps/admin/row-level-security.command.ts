import { setRowLevelSecurity } from '#libs/database';
import { Argument, type Command } from 'commander';
import type { AdminSession } from './admin.session';

export function addRowLevelSecurityCommand(program: Command, session: AdminSession): void {
  program
    .command('wall')
    .description('Put up a second wall between teams, row-level security in Postgres, or take it down.')
    .addArgument(new Argument('<state>').choices(['on', 'off']))
    .option('--json', 'print a JSON document')
    .action(async (state: string, { json }: { json?: true }) => {
      const { tables, owner } = await session.withDatabase((database) => setRowLevelSecurity(database, state === 'on'));
      if (json) session.printJson({ wall: state, tables, owner });
      else if (state === 'off') session.print(`the wall is off for ${tables.length} tables`);
      else
        session.print(
          `the wall is on for ${tables.length} tables, for all roles but their owner ${owner} and superusers`,
        );
    });
}
