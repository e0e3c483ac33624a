import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { readSettings } from '#libs/config';
import { initCluster, migrate, openDatabase } from '#libs/database';
import { CITUS_SETTINGS, createEmptyCluster } from '../../../test/support/citus.cluster';
import { databaseUrl } from '../../../test/support/server.database';
import type { BenchContext } from '../bench.context';
import { ToolMissing } from '../command';
import { Population, type TeamAccess } from '../growth/population';
import { recordCount } from '../organizations';
import { durableSettings, openMeter, type Servers, startPostgres, startServers } from '../servers';
import type { ServiceProcess } from '../service.process';
import { Services } from '../services';
import { ClusterMeter } from './cluster.meter';

export const teamCount = 8;

/** Autovacuum would run during a turn. The tables are vacuumed before the first one. */
const postgresSettings = { ...durableSettings, autovacuum: 'off' };

const nodeSettings = {
  ...CITUS_SETTINGS,
  ...postgresSettings,
  // As by default.
  'citus.shard_count': '32',
  'citus.enable_stat_counters': 'off',
};

/** A single server or a cluster, with the same data, and a gateway. */
export interface Side {
  meter: ClusterMeter;
  gateway: ServiceProcess;
  /** The team of the workloads with one team. */
  team: TeamAccess;
  /** A file with a line for each of the other teams, for the load generator. */
  teamsFile: string;
}

export interface ClusterEnvironment {
  single: Side;
  cluster: Side;
  /** The cluster, with a gateway that sends all calls to the coordinator. */
  coordinator: Side;
  /** The number of different shards of the teams. */
  shards: number;
  redisUrl: string;
  settings: { postgres: Record<string, string>; node: Record<string, string> };
}

/** Starts a single server and a cluster, and loads the records. @throws ToolMissing without Citus */
export async function openClusterEnvironment(context: BenchContext): Promise<ClusterEnvironment> {
  const servers = await startServers(context, postgresSettings);
  const { postgres, redisUrl } = servers;
  await requireCitus(postgres.url);
  const services = new Services(context.cleanup, context.signal);

  context.log('loading the single server');
  const singleMeter = new ClusterMeter(servers.meter);
  const singleData = await load('single', postgres.url, singleMeter, servers, context);

  context.log('loading the cluster');
  const { url, meter } = await startCluster(context);
  const { teamIds, ...data } = await load('cluster', url, meter, servers, context);

  context.log('starting the gateways');
  const gateway = (name: string, databaseUrl: string, settings = {}): Promise<ServiceProcess> =>
    services.gateway(name, databaseUrl, redisUrl, { settings });
  return {
    single: {
      ...singleData,
      meter: singleMeter,

      gateway: await gateway('gateway', postgres.url),
    },
    cluster: { ...data, meter, gateway: await gateway('gateway of the cluster', url) },
    coordinator: {
      ...{ ...data, meter },
      gateway: await gateway('gateway of the coordinator', url, { DATABASE_POOLER: 'session' }),
    },
    shards: await countShards(url, teamIds),
    redisUrl,
    settings: { postgres: servers.settings, node: nodeSettings },
  };
}

/** A coordinator without records, and one worker. */
async function startCluster(context: BenchContext): Promise<{ url: string; meter: ClusterMeter }> {
  const first = await startPostgres(context, nodeSettings);
  const second = await startPostgres(context, nodeSettings);
  const name = 'bench';
  const url = await createEmptyCluster([first.url, second.url], name);
  await migrate(url);
  const database = openDatabase(readSettings({ DATABASE_URL: url }));
  try {
    await initCluster(database);
  } finally {
    await database.close();
  }
  const coordinator = await openMeter(context, url);
  const worker = await openMeter(context, databaseUrl(second.url, name));
  return { url, meter: new ClusterMeter(worker, coordinator) };
}

/** One team with the records of the other runs, and as many of several teams. */
async function load(
  name: string,
  url: string,
  meter: ClusterMeter,
  { folder }: Servers,
  context: BenchContext,
): Promise<Pick<Side, 'team' | 'teamsFile'> & { teamIds: string[] }> {
  const database = { postgres: { url }, meter };
  const one = await Population.of(1, database, context);
  await one.growTo(recordCount);
  const several = await Population.of(teamCount, database, context);
  await several.growTo(recordCount);
  await meter.settle();
  await several.settle();
  const [team] = one.teams;
  if (team === undefined) throw new Error('no team');
  const teamsFile = join(folder, `teams-${name}`);
  writeFileSync(teamsFile, several.teams.map(({ teamId, apiKey }) => `${teamId} ${apiKey}\n`).join(''));
  return { team, teamsFile, teamIds: several.teams.map(({ teamId }) => teamId) };
}

async function requireCitus(url: string): Promise<void> {
  if ((await rowsOf(url, "SELECT FROM pg_available_extensions WHERE name = 'citus'")).length > 0) return;
  throw new ToolMissing(
    'this Postgres has no Citus: install the package postgresql-<version>-citus-13.2 from the repository of Citus, or set ' +
      'TEST_POSTGRES_BIN to a Postgres that has it',
  );
}

async function countShards(url: string, teamIds: readonly string[]): Promise<number> {
  const shards =
    "SELECT DISTINCT get_shard_id_for_distribution_column('records', team) FROM unnest($1::uuid[]) AS team";
  return (await rowsOf(url, shards, [teamIds])).length;
}

async function rowsOf(url: string, statement: string, values: unknown[] = []): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(statement, values)).rows;
  } finally {
    await client.end();
  }
}
