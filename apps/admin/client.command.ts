import { type Client, nameOf, teamIdOf } from '#libs/auth';
import type { Command } from 'commander';
import type { AdminSession } from './admin.session';
import { checked } from './option.parser';
import { textTable } from './text.table';

interface CreateOptions {
  team: string;
  name: string;
  json?: true;
}

interface ListOptions {
  team: string;
  json?: true;
}

export function addClientCommands(program: Command, session: AdminSession): void {
  const client = program.command('client').description('The applications of a team: owners of its API keys.');

  client
    .command('create')
    .description('Make a client.')
    .requiredOption('--team <uuid>', "its team's id", checked(teamIdOf))
    .requiredOption('--name <text>', 'its name, 1 to 200 characters, one of a kind in the team', checked(nameOf))
    .option('--json', 'print a JSON document')
    .action(async (options: CreateOptions) => {
      const made = await session.withAccess((access) => access.createClient(options.team, options.name));
      if (options.json) session.printJson({ ...document(made), team_id: options.team });
      else session.print(`client ${made.name} (${made.id}) of team ${options.team} is made`);
    });

  client
    .command('list')
    .description("List a team's clients by name.")
    .requiredOption('--team <uuid>', "the team's id", checked(teamIdOf))
    .option('--json', 'print a JSON document')
    .action(async (options: ListOptions) => {
      const clients = await session.withAccess((access) => access.listClients(options.team));
      if (options.json) session.printJson({ clients: clients.map(document) });
      else session.print(textTable(['NAME', 'ID', 'CREATED'], clients.map(row)));
    });
}

function document(client: Client): Record<string, unknown> {
  return { id: client.id, name: client.name, created_at: client.createdAt.toISOString() };
}

function row(client: Client): string[] {
  return [client.name, client.id, client.createdAt.toISOString()];
}
