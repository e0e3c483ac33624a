import type { BenchContext } from '../bench.context';
import type { Contestant } from '../contestants';
import { drivePgbench, type PgbenchWork } from '../pgbench.driver';
import type { Servers } from '../servers';
import type { ServiceProcess } from '../service.process';
import { leadSeconds, type Schedule } from '../tournament';
import { spend, type Spent, type Turn, turnOf } from '../turn';
import { driveHttp } from '../wrk.driver';
import type { Population } from './population';

const warmUpSeconds = 5;
const callers = 8;
const itemsPerBatch = 100;

/** What is done to the records: through the gateway, or, to see what is Postgres's own, past it. */
export type Work = 'plain' | 'keyed' | 'pgbench';

export interface CaseTurns {
  work: Work;
  turns: Turn[];
}

/** Where a case is measured. */
export interface GrowthEnvironment {
  servers: Servers;
  population: Population;
  gateway: ServiceProcess;
  /** A line for each team, for the load generator. */
  teamsFile: string;
}

/** Lets each kind of work be done in turns. @throws Error if the records show that something else was done */
export async function measureCase(
  environment: GrowthEnvironment,
  { rounds, seconds }: Schedule,
  { signal }: BenchContext,
): Promise<CaseTurns[]> {
  const { meter } = environment.servers;
  const responded = { changes: 0 };
  const entrants = worksOf(environment).map((contestant) => ({
    contestant: counting(contestant, responded),
    spent: [] as Spent[],
  }));
  for (const { contestant } of entrants) await contestant.drive(warmUpSeconds, signal);
  for (let round = 0; round < rounds; round++) {
    for (const { contestant, spent } of entrants) {
      await contestant.drive(leadSeconds, signal);
      await meter.quiet(signal);
      spent.push(await spend(contestant, meter, seconds, signal));
    }
  }
  const changes = await environment.population.countChanges();
  // Those beyond were done when nobody waited for them any more: a share of every turn.
  const share = changes / responded.changes;
  const most = 1 + (callers * itemsPerBatch * entrants.length * (1 + 2 * rounds)) / responded.changes;
  if (!(share >= 1 && share <= most)) {
    throw new Error(`${responded.changes} changes were answered; there are ${changes}`);
  }
  return entrants.map(({ contestant, spent }) => ({
    work: contestant.name as Work, // worksOf names them
    turns: spent.map((each) => turnOf(contestant, each, each.load.batches * contestant.changesPerBatch * share)),
  }));
}

function counting(contestant: Contestant, responded: { changes: number }): Contestant {
  const drive: Contestant['drive'] = async (seconds, signal) => {
    const load = await contestant.drive(seconds, signal);
    responded.changes += load.batches * contestant.changesPerBatch;
    return load;
  };
  return { ...contestant, drive };
}

function worksOf({ servers, population, gateway, teamsFile }: GrowthEnvironment): (Contestant & { name: Work })[] {
  const { teams, records } = population;
  const throughGateway = (name: Work, what: string): Contestant & { name: Work } => {
    const work = {
      url: gateway.url,
      caller: { teamsFile },
      ...{ callers, items: itemsPerBatch, failing: 0, minimal: false },
      records: Math.floor(records / teams.length),
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
  if (team === undefined || others.length > 0) return works; // its script knows one team
  const work: PgbenchWork = {
    ...{ pgbench: servers.pgbench, port: servers.postgres.port, folder: servers.folder },
    ...{ connections: callers, teamId: team.teamId, records, sampled: 0.1 },
    script: 'update-item',
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
