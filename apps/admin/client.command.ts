import { type AccessService, type Client, nameOf, teamIdOf } from '#libs/auth';
import { MAX_RATES, type Rate, RATE_UNITS, type Rates, type RateUnit } from '#libs/limits';
import { type Command, Option } from 'commander';
import type { AdminSession } from './admin.session';
import { clientDocument, clientList, limitsText } from './client.view';
import { checked, wholeNumber } from './option.parser';

const LABELS: Readonly<Record<RateUnit, string>> = {
  items: 'items per second',
  requests: 'requests per second',
  bytes: 'bytes per second of request and response bodies',
};

interface CreateOptions {
  team: string;
  name: string;
  json?: true;
}

interface ListOptions {
  team: string;
  json?: true;
}

type RateOption = `${RateUnit}PerSecond` | `${RateUnit}Burst`;

interface LimitOptions extends Partial<Record<RateOption, number>> {
  team: string;
  client: string;
  unlimited?: true;
  default?: true;
  json?: true;
}

export function addClientCommands(program: Command, session: AdminSession): void {
  const client = program.command('client').description('The clients of a team: applications that own its API keys.');
  addCreate(client, session);
  addList(client, session);
  addLimit(client, session);
}

function addCreate(client: Command, session: AdminSession): void {
  client
    .command('create')
    .description('Create a client.')
    .requiredOption('--team <uuid>', "its team's id", checked(teamIdOf))
    .requiredOption('--name <text>', 'its name, 1 to 200 characters, unique in the team', checked(nameOf))
    .option('--json', 'print a JSON document')
    .action(async (options: CreateOptions) => {
      const made = await session.withAccess((access) => access.createClient(options.team, options.name));
      if (options.json) session.printJson({ ...clientDocument(made), team_id: options.team });
      else session.print(`client ${made.name} (${made.id}) of team ${options.team} created`);
    });
}

function addList(client: Command, session: AdminSession): void {
  client
    .command('list')
    .description("List a team's clients by name, with the rate limits configured for them.")
    .requiredOption('--team <uuid>', "the team's id", checked(teamIdOf))
    .option('--json', 'print a JSON document')
    .action(async (options: ListOptions) => {
      const clients = await session.withAccess((access) => access.listClients(options.team));
      if (options.json) session.printJson({ clients: clients.map(clientDocument) });
      else session.print(clientList(clients));
    });
}

function addLimit(client: Command, session: AdminSession): void {
  const limit = client
    .command('limit')
    .description('Set the rate limits of a client. An option that is left out keeps its value.')
    .requiredOption('--team <uuid>', "its team's id", checked(teamIdOf))
    .requiredOption('--client <name>', 'its name', checked(nameOf));
  for (const unit of RATE_UNITS) {
    const max = MAX_RATES[unit];
    limit
      .option(`--${unit}-per-second <n>`, `${LABELS[unit]} on average; 0: unlimited`, wholeNumber(0, max))
      .option(`--${unit}-burst <n>`, `${unit} at once; as many as in one second if left out`, wholeNumber(1, max));
  }
  const rates = RATE_UNITS.flatMap((unit): RateOption[] => [`${unit}PerSecond`, `${unit}Burst`]);
  limit
    .addOption(new Option('--unlimited', 'no rate limits, whatever the default is').conflicts(rates))
    .addOption(new Option('--default', 'the default of the gateways').conflicts([...rates, 'unlimited']))
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

function ratesIn(options: LimitOptions): Rates {
  const rates: Partial<Record<RateUnit, Rate>> = {};
  for (const unit of RATE_UNITS) {
    const perSecond = options.unlimited ? 0 : options[`${unit}PerSecond`];
    if (perSecond !== undefined) rates[unit] = { perSecond, burst: options[`${unit}Burst`] ?? perSecond };
  }
  return rates;
}

/** Rules between options, which commander cannot check. */
function mistakeIn(options: LimitOptions): string | undefined {
  for (const unit of RATE_UNITS) {
    if (options[`${unit}Burst`] !== undefined && !options[`${unit}PerSecond`]) {
      return `--${unit}-burst needs --${unit}-per-second, with a value above 0`;
    }
  }
  const isSet = RATE_UNITS.some((unit) => options[`${unit}PerSecond`] !== undefined);
  if (isSet || options.unlimited || options.default) return undefined;
  const names = RATE_UNITS.map((unit) => `--${unit}-per-second`).join(', ');
  return `set at least one of ${names}, --unlimited and --default`;
}
