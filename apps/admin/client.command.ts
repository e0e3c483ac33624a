import { type AccessService, type Client, nameOf, teamIdOf } from '#libs/auth';
import type { Rates } from '#libs/limits';
import { type Command, Option } from 'commander';
import type { AdminSession } from './admin.session';
import { clientDocument, clientList, limitsText } from './client.view';
import { checked, wholeNumber } from './option.parser';

const MOST = 1_000_000;
const NO_LIMIT = { perSecond: 0, burst: 0 };

interface CreateOptions {
  team: string;
  name: string;
  json?: true;
}

interface ListOptions {
  team: string;
  json?: true;
}

interface LimitOptions {
  team: string;
  client: string;
  itemsPerSecond?: number;
  itemsBurst?: number;
  requestsPerSecond?: number;
  requestsBurst?: number;
  unlimited?: true;
  default?: true;
  json?: true;
}

export function addClientCommands(program: Command, session: AdminSession): void {
  const client = program.command('client').description('The applications of a team: owners of its API keys.');
  addCreate(client, session);
  addList(client, session);
  addLimit(client, session);
}

function addCreate(client: Command, session: AdminSession): void {
  client
    .command('create')
    .description('Make a client.')
    .requiredOption('--team <uuid>', "its team's id", checked(teamIdOf))
    .requiredOption('--name <text>', 'its name, 1 to 200 characters, one of a kind in the team', checked(nameOf))
    .option('--json', 'print a JSON document')
    .action(async (options: CreateOptions) => {
      const made = await session.withAccess((access) => access.createClient(options.team, options.name));
      if (options.json) session.printJson({ ...clientDocument(made), team_id: options.team });
      else session.print(`client ${made.name} (${made.id}) of team ${options.team} is made`);
    });
}

function addList(client: Command, session: AdminSession): void {
  client
    .command('list')
    .description("List a team's clients by name, with the limits that were set for them.")
    .requiredOption('--team <uuid>', "the team's id", checked(teamIdOf))
    .option('--json', 'print a JSON document')
    .action(async (options: ListOptions) => {
      const clients = await session.withAccess((access) => access.listClients(options.team));
      if (options.json) session.printJson({ clients: clients.map(clientDocument) });
      else session.print(clientList(clients));
    });
}

function addLimit(client: Command, session: AdminSession): void {
  const rates = ['itemsPerSecond', 'itemsBurst', 'requestsPerSecond', 'requestsBurst'];
  client
    .command('limit')
    .description('Say how much a client may send a second. What is left out stays as it is.')
    .requiredOption('--team <uuid>', "its team's id", checked(teamIdOf))
    .requiredOption('--client <name>', 'its name', checked(nameOf))
    .option('--items-per-second <n>', 'items on average; 0: as many as it likes', wholeNumber(0, MOST))
    .option('--items-burst <n>', 'items at once, after a rest; those of a second if left out', wholeNumber(1, MOST))
    .option('--requests-per-second <n>', 'requests on average; 0: as many as it likes', wholeNumber(0, MOST))
    .option('--requests-burst <n>', 'requests at once; those of a second if left out', wholeNumber(1, MOST))
    .addOption(new Option('--unlimited', 'as much as it likes, whatever the default is').conflicts(rates))
    .addOption(new Option('--default', 'as the settings of the gateways have it').conflicts([...rates, 'unlimited']))
    .option('--json', 'print a JSON document')
    .action(async (options: LimitOptions, command: Command) => {
      const mistake = mistakeIn(options);
      if (mistake !== undefined) command.error(`error: ${mistake}`);
      const limited = await session.withAccess((access) => setLimits(access, options));
      if (options.json) session.printJson({ ...clientDocument(limited), team_id: options.team });
      else session.print(limitsText(limited, options.team));
    });
}

function setLimits(access: AccessService, options: LimitOptions): Promise<Client> {
  const { team, client } = options;
  return options.default ? access.unsetLimits(team, client) : access.limitClient(team, client, ratesIn(options));
}

function ratesIn({ unlimited, itemsPerSecond, itemsBurst, requestsPerSecond, requestsBurst }: LimitOptions): Rates {
  if (unlimited) return { items: NO_LIMIT, requests: NO_LIMIT };
  return {
    ...(itemsPerSecond !== undefined && { items: { perSecond: itemsPerSecond, burst: itemsBurst ?? itemsPerSecond } }),
    ...(requestsPerSecond !== undefined && {
      requests: { perSecond: requestsPerSecond, burst: requestsBurst ?? requestsPerSecond },
    }),
  };
}

/** What commander cannot see. */
function mistakeIn(options: LimitOptions): string | undefined {
  if (options.itemsBurst !== undefined && !options.itemsPerSecond) {
    return '--items-burst needs --items-per-second, and more than 0';
  }
  if (options.requestsBurst !== undefined && !options.requestsPerSecond) {
    return '--requests-burst needs --requests-per-second, and more than 0';
  }
  const says = [options.itemsPerSecond, options.requestsPerSecond, options.unlimited, options.default];
  return says.some((said) => said !== undefined)
    ? undefined
    : 'say what limits it: --items-per-second, --requests-per-second, --unlimited or --default';
}
