import { type AccessService, type Client, parseName, parseTeamId } from '#libs/auth';
import { MAX_RATES, type Rate, RATE_UNITS, type Rates, type RateUnit } from '#libs/limits';
import { type Command, Option } from 'commander';
import type { AdminSession } from './admin.session';
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
  const client = program
    .command('client')
    .description('The clients of a team: applications that call the API with their own keys.');
  addCreate(client, session);
  addList(client, session);
  addLimit(client, session);
}

function addCreate(client: Command, session: AdminSession): void {
  client
    .command('create')
    .description('Create a client.')
    .requiredOption('--team <uuid>', "its team's id", checked(parseTeamId))
    .requiredOption('--name <text>', 'its name, 1 to 200 characters, unique in the team', checked(parseName))
    .option('--json', 'print a JSON document')
    .action(async (options: CreateOptions) => {
      const created = await session.withAccess((access) => access.createClient(options.team, options.name));
      if (options.json) session.printJson({ ...clientDocument(created), team_id: options.team });
      else session.print(`client ${created.name} (${created.id}) of team ${options.team} created`);
    });
}

function addList(client: Command, session: AdminSession): void {
  client
    .command('list')
    .description("List a team's clients by name, with the rate limits that are set for them.")
    .requiredOption('--team <uuid>', "the team's id", checked(parseTeamId))
    .option('--json', 'print a JSON document')
    .action(async (options: ListOptions) => {
      const clients = await session.withAccess((access) => access.listClients(options.team));
      if (options.json) session.printJson({ clients: clients.map(clientDocument) });
      else printClients(session, clients);
    });
}

function addLimit(client: Command, session: AdminSession): void {
  const limit = client
    .command('limit')
    .description('Set the rate limits of a client. A limit that is not given keeps its value.')
    .requiredOption('--team <uuid>', "its team's id", checked(parseTeamId))
    .requiredOption('--client <name>', 'its name', checked(parseName));
  for (const unit of RATE_UNITS) {
    const max = MAX_RATES[unit];
    limit
      .option(`--${unit}-per-second <n>`, `${LABELS[unit]} on average; 0: unlimited`, wholeNumber(0, max))
      .option(`--${unit}-burst <n>`, `${unit} at once; by default the rate of one second`, wholeNumber(1, max));
  }
  const rates = RATE_UNITS.flatMap((unit): RateOption[] => [`${unit}PerSecond`, `${unit}Burst`]);
  limit
    .addOption(new Option('--unlimited', 'no rate limits, whatever the default').conflicts(rates))
    .addOption(new Option('--default', "the gateways' default").conflicts([...rates, 'unlimited']))
    .option('--json', 'print a JSON document')
    .action(async (options: LimitOptions, command: Command) => {
      const conflict = conflictIn(options);
      if (conflict !== undefined) command.error(`error: ${conflict}`);
      const limited = await session.withAccess((access) => setLimits(access, options));
      if (options.json) session.printJson({ ...clientDocument(limited), team_id: options.team });
      else session.print(limitsText(limited, options.team));
    });
}

function setLimits(access: AccessService, options: LimitOptions): Promise<Client> {
  const { team, client } = options;
  return options.default ? access.clearLimits(team, client) : access.setLimits(team, client, ratesIn(options));
}

function ratesIn(options: LimitOptions): Rates {
  const rates: Partial<Record<RateUnit, Rate>> = {};
  for (const unit of RATE_UNITS) {
    const perSecond = options.unlimited ? 0 : options[`${unit}PerSecond`];
    if (perSecond !== undefined) rates[unit] = { perSecond, burst: options[`${unit}Burst`] ?? perSecond };
  }
  return rates;
}

/** The rules between options that commander cannot check. */
function conflictIn(options: LimitOptions): string | undefined {
  for (const unit of RATE_UNITS) {
    if (options[`${unit}Burst`] !== undefined && !options[`${unit}PerSecond`]) {
      return `--${unit}-burst requires --${unit}-per-second with a value above 0`;
    }
  }
  const isSet = RATE_UNITS.some((unit) => options[`${unit}PerSecond`] !== undefined);
  if (isSet || options.unlimited || options.default) return undefined;
  const names = RATE_UNITS.map((unit) => `--${unit}-per-second`).join(', ');
  return `set at least one of ${names}, --unlimited and --default`;
}

/** A client as JSON. A rate limit of `null` is the gateways' default, 0 is unlimited. */
function clientDocument({ id, name, createdAt, limits }: Client): Record<string, unknown> {
  const document: Record<string, unknown> = { id, name, created_at: createdAt.toISOString() };
  for (const unit of RATE_UNITS) {
    document[`${unit}_per_second`] = limits[unit]?.perSecond ?? null;
    document[`${unit}_burst`] = limits[unit]?.burst ?? null;
  }
  return document;
}

function printClients(session: AdminSession, clients: readonly Client[]): void {
  session.printTable(
    ['NAME', 'ID', 'CREATED', ...RATE_UNITS.map((unit) => `${unit.toUpperCase()} PER SECOND`)],
    clients.map(({ id, name, createdAt, limits }) => [
      name,
      id,
      createdAt.toISOString(),
      ...RATE_UNITS.map((unit) => limitText(limits[unit])),
    ]),
  );
}

function limitsText({ name, limits }: Client, teamId: string): string {
  const rates = RATE_UNITS.map((unit) => `${unit} ${limitText(limits[unit])}`).join('; ');
  return `rate limits per second of client ${name} of team ${teamId}: ${rates}. They take effect within 5 s`;
}

function limitText(rate: Rate | undefined): string {
  if (rate === undefined) return 'default';
  return rate.perSecond === 0 ? 'unlimited' : `${rate.perSecond}, burst ${rate.burst}`;
}
