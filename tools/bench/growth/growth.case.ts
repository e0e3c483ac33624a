import type { BenchContext } from '../bench.context';
import type { Workload } from '../workloads';
import { drivePgbench, type PgbenchWork } from '../pgbench.driver';
import type { Servers } from '../servers';
import type { ServiceProcess } from '../service.process';
import { leadSeconds, type Schedule } from '../rounds';
import { measureUsage, type Usage, type Turn, turnOf } from '../turn';
import { driveHttp } from '../wrk.driver';
import type { Population } from './population';

const warmUpSeconds = 5;
const callers = 8;
const itemsPerBatch = 100;

/** The work: through the gateway or, to separate the cost of Postgres, directly. */
export type Work = 'plain' | 'keyed' | 'pgbench';

export interface CaseTurns {
  work: Work;
  turns: Turn[];
}

/** Servers and data of a case. */
export interface GrowthEnvironment {
  servers: Servers;
  population: Population;
  gateway: ServiceProcess;
  /** File with a line per team, for the load generator. */
  teamsFile: string;
}

/** Measures each kind of work alternately. @throws Error if the number of changes does not match the responses */
export async function measureCase(
  environment: GrowthEnvironment,
  { rounds, seconds }: Schedule,
  { signal }: BenchContext,
): Promise<CaseTurns[]> {
  const { meter } = environment.servers;
  const responded = { changes: 0 };
  const measured = worksOf(environment).map((workload) => ({
    workload: counting(workload, responded),
    usages: [] as Usage[],
  }));
  for (const { workload } of measured) await workload.drive(warmUpSeconds, signal);
  for (let round = 0; round < rounds; round++) {
    for (const { workload, usages } of measured) {
      await workload.drive(leadSeconds, signal);
      await meter.quiet(signal);
      usages.push(await measureUsage(workload, meter, seconds, signal));
    }
  }
  const changes = await environment.population.countChanges();
  // More changes than responses: batches that completed after the end of a turn.
  const share = changes / responded.changes;
  const most = 1 + (callers * itemsPerBatch * measured.length * (1 + 2 * rounds)) / responded.changes;
  if (!(share >= 1 && share <= most)) {
    throw new Error(`${responded.changes} changes were acknowledged; Postgres has ${changes}`);
  }
  return measured.map(({ workload, usages }) => ({
    work: workload.name as Work, // worksOf names them
    turns: usages.map((each) => turnOf(workload, each, each.load.batches * workload.changesPerBatch * share)),
  }));
}

function counting(workload: Workload, responded: { changes: number }): Workload {
  const drive: Workload['drive'] = async (seconds, signal) => {
    const load = await workload.drive(seconds, signal);
    responded.changes += load.batches * workload.changesPerBatch;
    return load;
  };
  return { ...workload, drive };
}

function worksOf({ servers, population, gateway, teamsFile }: GrowthEnvironment): (Workload & { name: Work })[] {
  const { teams, records } = population;
  const throughGateway = (name: Work, what: string): Workload & { name: Work } => {
    const work = {
      url: gateway.url,
      caller: { teamsFile },
      ...{ callers, items: itemsPerBatch, failing: 0, minimal: false },
      records: Math.floor(records / teams.length),
      sent: 'batch' as const,
      keyed: name === 'keyed',
    };
    return {
      ...{ name, what, callers, itemsPerBatch },
      changesPerBatch: itemsPerBatch,
      services: [gateway],
      drive: (seconds, signal) => driveHttp(work, seconds, signal),
    };
  };
  const works = [
    throughGateway('plain', 'batches of 100'),
    throughGateway('keyed', 'each batch with a fresh Idempotency-Key'),
  ];
  const [team, ...others] = teams;
  if (team === undefined || others.length > 0) return works; // its script supports one team
  const work: PgbenchWork = {
    ...{ pgbench: servers.pgbench, port: servers.postgres.port, folder: servers.folder },
    ...{ connections: callers, teamId: team.teamId, records, sampled: 0.1 },
    script: 'update_item',
  };
  return [
    ...works,
    {
      ...{ name: 'pgbench', what: 'an UPDATE by primary key, a transaction each', callers },
      ...{ itemsPerBatch: 1, changesPerBatch: 1, services: [] },
      drive: (seconds, signal) => drivePgbench(work, seconds, signal),
    },
  ];
}
