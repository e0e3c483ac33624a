import { Redis } from 'ioredis';
import type { BenchContext } from '../bench.context';
import type { ClusterOptions } from '../cli.options';
import { headerOf, machineFacts, writeFigures } from '../machine.facts';
import { recordCount } from '../organizations';
import { targetText } from '../report';
import { leadSeconds, runRounds } from '../rounds';
import { gatewaySettings } from '../services';
import { takeTurn } from '../turn';
import { httpWork, overHttp, type Workload } from '../workloads';
import type { HttpWork } from '../wrk.driver';
import { type ClusterEnvironment, openClusterEnvironment, type Side, teamCount } from './cluster.environment';
import { clusterRows, clusterTable, clusterTargets, type ClusterTurn, redisCpuSeconds } from './cluster.report';

/** A workload on one side, which is compared with the same one on the single server. */
export interface ClusterWorkload extends Workload {
  work: string;
  server: string;
  side: Side;
}

/** Compares a cluster of one worker with a single server. */
export async function measureCluster(options: ClusterOptions, context: BenchContext): Promise<void> {
  const { signal, print, cleanup } = context;
  const environment = await openClusterEnvironment(context);
  const redis = new Redis(environment.redisUrl);
  cleanup.add(() => {
    redis.disconnect();
  });
  const redisSeconds = async (): Promise<number> => redisCpuSeconds(await redis.info('cpu'));
  const take = async (workload: ClusterWorkload): Promise<ClusterTurn> => {
    const { meter } = workload.side;
    const before = await redisSeconds();
    const turn = await takeTurn(workload, meter, options.seconds, signal);
    return {
      ...turn,
      workerMicros: (turn.postgresMicros ?? NaN) * meter.workerShare,
      redisMicrosPerBatch: ((await redisSeconds()) - before) * (1e6 / turn.batches),
    };
  };
  const measured = await runRounds(workloadsOf(environment), take, options.rounds, context);

  const machine = machineFacts();
  const { settings } = environment;
  const rows = clusterRows(measured);
  const targets = clusterTargets(rows);
  print(`\n${headerOf(machine, settings.postgres, gatewaySettings)}\n${clusterTable(rows)}`);
  print(`\n${conditionsOf(options, environment)}\n${targetText(targets)}\n`);
  const { rounds, seconds } = options;
  const schedule = { rounds, seconds, leadSeconds };
  writeFigures(options.json, { machine, settings, schedule, rows, targets }, context);
}

/** Those that are compared are adjacent. */
function workloadsOf({ single, cluster, coordinator }: ClusterEnvironment): ClusterWorkload[] {
  const sides = { 'single server': single, cluster };
  const works: [string, Partial<HttpWork>, Record<string, Side>][] = [
    ['one team', {}, sides],
    ['one team, with a key', { keyed: true }, { ...sides, 'cluster, all through the coordinator': coordinator }],
    ['several teams', { records: recordCount / teamCount }, sides],
    ['several teams, with a key', { records: recordCount / teamCount, keyed: true }, sides],
  ];
  return works.flatMap(([work, variant, on]) =>
    Object.entries(on).map(([server, side]) => {
      const ofTeam = httpWork({ credentials: side.team }, side.gateway, 'update', variant);
      const sent = variant.records === undefined ? ofTeam : { ...ofTeam, caller: { teamsFile: side.teamsFile } };
      return { name: `${work}: ${server}`, work, server, side, ...overHttp(work, sent, [side.gateway]) };
    }),
  );
}

function conditionsOf({ rounds, seconds }: ClusterOptions, { shards, settings }: ClusterEnvironment): string {
  return [
    `8 callers, batches of 100 random records; medians of ${rounds} turns of ${seconds} s, in turns, after ${leadSeconds} s unmeasured`,
    'the cluster has a coordinator without records and one worker, on the same cores; x: to the single server, turn by turn: median (least..most)',
    'us: CPU in microseconds per item, postgres of all nodes; redis: per batch',
    `one team has ${recordCount} records; ${teamCount} others on ${shards} shards have as many together, and each batch is of a random one`,
    'through the coordinator: DATABASE_POOLER=session, so that the gateway does not connect to the node of the team',
    `nodes of the cluster: ${Object.entries(settings.node)
      .map(([name, value]) => `${name}=${value}`)
      .join(' ')}`,
    '',
  ].join('\n');
}
