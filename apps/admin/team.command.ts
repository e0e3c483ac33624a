import { nameOf, type Team, teamIdOf } from '#libs/auth';
import type { Command } from 'commander';
import type { AdminSession } from './admin.session';
import { checked } from './option.parser';
import { textTable } from './text.table';

interface CreateOptions {
  id?: string;
  name: string;
  json?: true;
}

export function addTeamCommands(program: Command, session: AdminSession): void {
  const team = program.command('team').description('The owners of records.');

  team
    .command('create')
    .description('Make a team.')
    .option('--id <uuid>', 'its id; a new UUIDv7 if left out', checked(teamIdOf))
    .requiredOption('--name <text>', 'its name, 1 to 200 characters', checked(nameOf))
    .option('--json', 'print a JSON document')
    .action(async (options: CreateOptions) => {
      const made = await session.withAccess((access) => access.createTeam(options.name, options.id));
      if (options.json) session.printJson(document(made));
      else session.print(`team ${made.id} (${made.name}) is made`);
    });

  team
    .command('list')
    .description('List all teams, oldest first.')
    .option('--json', 'print a JSON document')
    .action(async (options: { json?: true }) => {
      const teams = await session.withAccess((access) => access.listTeams());
      if (options.json) session.printJson({ teams: teams.map(document) });
      else session.print(textTable(['ID', 'NAME', 'CREATED'], teams.map(row)));
    });
}

function document(team: Team): Record<string, unknown> {
  return { id: team.id, name: team.name, created_at: team.createdAt.toISOString() };
}

function row(team: Team): string[] {
  return [team.id, team.name, team.createdAt.toISOString()];
}
