import { parseName, parseTeamId, type Team } from '#libs/auth';
import type { Command } from 'commander';
import type { AdminSession } from './admin.session';
import { checked } from './option.parser';

interface CreateOptions {
  id?: string;
  name: string;
  json?: true;
}

export function addTeamCommands(program: Command, session: AdminSession): void {
  const team = program.command('team').description('The owners of records.');

  team
    .command('create')
    .description('Create a team.')
    .option('--id <uuid>', 'its id; by default a new UUIDv7', checked(parseTeamId))
    .requiredOption('--name <text>', 'its name, 1 to 200 characters', checked(parseName))
    .option('--json', 'print a JSON document')
    .action(async (options: CreateOptions) => {
      const created = await session.withAccess((access) => access.createTeam(options.name, options.id));
      if (options.json) session.printJson(teamDocument(created));
      else session.print(`team ${created.id} (${created.name}) created`);
    });

  team
    .command('list')
    .description('List all teams, oldest first.')
    .option('--json', 'print a JSON document')
    .action(async (options: { json?: true }) => {
      const teams = await session.withAccess((access) => access.listTeams());
      if (options.json) session.printJson({ teams: teams.map(teamDocument) });
      else
        session.printTable(
          ['ID', 'NAME', 'CREATED'],
          teams.map(({ id, name, createdAt }) => [id, name, createdAt.toISOString()]),
        );
    });
}

function teamDocument(team: Team): Record<string, unknown> {
  return { id: team.id, name: team.name, created_at: team.createdAt.toISOString() };
}
