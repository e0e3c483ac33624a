import { AccessService } from '#libs/auth';
import { pause } from '#libs/program';
import { Caller } from './caller';
import { checkRound, type Verdict } from './checker/exactly-once.checker';
import type { Violation } from './checker/violation';
import { inject } from './fault.injector';
import { type Fault, type FaultKind, scheduleOf } from './fault.schedule';
import { readFinalState } from './final.reader';
import type { ImportHistory, RequestHistory, RoundHistory } from './history';
import { CallerConnections } from './http.attempt';
import { Importer } from './importer';
import type { Random } from '../../test/support/random';
import type { RoundPlan } from './round.plan';
import { type ChaosEnvironment, maxBackends } from './chaos.environment';
import { type FaultPeriod, type FirstWrite, firstWritesAfter, highestBackendCount } from './failover.figures';
import { SharedRecords } from './shared.records';

/** The progress of a running round. */
export interface RoundProgress {
  histories: RequestHistory[];
  imports: ImportHistory[];
  faults: Partial<Record<FaultKind, number>>;
}

export interface RoundResult extends Verdict {
  round: RoundHistory;
  schedule: Fault[];
  /** After each takeover of a standby. */
  firstWrites: FirstWrite[];
  /** The highest number of backends of both gateways. */
  backends: number;
}

/** Time after the last fault in which every open request must get its outcome. */
const settlingMs = 40_000;
const resendShare = 0.25;

/**
 * Injects faults while callers send requests, repairs everything, lets the callers retry until they know every outcome, sends
 * some completed requests again, and compares all responses with Postgres.
 *
 * @param stop ends the round early, without a verdict
 */
export async function runRound(
  environment: ChaosEnvironment,
  plan: RoundPlan,
  random: Random,
  progress: RoundProgress,
  stop: AbortSignal,
): Promise<RoundResult> {
  const records = await seedRecords(environment, random, plan.records);
  const connections = new CallerConnections();
  const stopSending = new AbortController();
  const stopRetrying = new AbortController();
  const pending: Promise<void>[] = [];
  try {
    const { clientIds, callers, importers } = await createCallers(
      environment,
      plan,
      random,
      records,
      connections,
      progress,
    );
    const running = [...callers, ...importers].map((caller) =>
      caller.run(AbortSignal.any([stopSending.signal, stop]), AbortSignal.any([stopRetrying.signal, stop])),
    );
    const schedule = plan.lanes.map((lane) => scheduleOf(lane, random, plan.durationMs));
    const counted = highestBackendCount(environment, stopSending.signal);
    pending.push(counted.then(() => undefined));
    const periods: FaultPeriod[] = [];
    const lanes = schedule.map((faults) => runLane(environment, faults, records, progress, periods, stop));
    pending.push(...running, ...lanes);
    await Promise.all([...lanes, pause(plan.durationMs, stop)]);
    stop.throwIfAborted();
    stopSending.abort();
    const violations = await checkRecovery(environment);
    const timer = setTimeout(() => {
      stopRetrying.abort();
    }, settlingMs);
    await Promise.all(running);
    await environment.redis.flush();
    await Promise.all(callers.map((caller) => caller.resend(resendShare, stopRetrying.signal)));
    clearTimeout(timer);
    stop.throwIfAborted();

    const final = await readFinalState(environment.database, records.teamId, clientIds);
    const round = { seeded: records.seeded, requests: progress.histories, imports: progress.imports, final };
    const verdict = checkRound(round);
    const backends = await counted;
    const firstWrites = firstWritesAfter(environment.takeovers.splice(0), progress.histories, periods);
    const all = [
      ...violations,
      ...processFailures(environment),
      ...tooManyBackends(plan, backends),
      ...verdict.violations,
    ];
    return { round, schedule: schedule.flat(), figures: verdict.figures, violations: all, firstWrites, backends };
  } finally {
    stopSending.abort();
    stopRetrying.abort();
    await connections.close();
    // Repairs must end before the servers are stopped.
    await Promise.allSettled(pending);
  }
}

async function seedRecords({ database }: ChaosEnvironment, random: Random, count: number): Promise<SharedRecords> {
  const records = SharedRecords.seed(random.uuid(), random, count);
  await AccessService.create(database).createTeam('chaos', records.teamId);
  await database.query(
    `INSERT INTO records (team_id, id, object_type, properties)
     SELECT $1, id, 'organization', jsonb_build_object('name', name) FROM unnest($2::uuid[], $3::text[]) AS r (id, name)`,
    [records.teamId, records.seeded.map(({ id }) => id), records.seeded.map(({ name }) => name)],
  );
  return records;
}

interface Callers {
  callers: Caller[];
  importers: Importer[];
  /** Of `callers`. */
  clientIds: string[];
}

/** Callers of two clients, which share only the records; and of another one, which imports. */
async function createCallers(
  { database, gateways }: ChaosEnvironment,
  plan: RoundPlan,
  random: Random,
  records: SharedRecords,
  connections: CallerConnections,
  { histories, imports }: RoundProgress,
): Promise<Callers> {
  const access = AccessService.create(database);
  const clients: { apiKey: string; clientId: string }[] = [];
  for (const name of ['billing', 'shipping', 'crm']) {
    const { apiKey } = await access.createKey(records.teamId, name, ['records:read', 'records:write']);
    const client = (await access.listClients(records.teamId)).find((listed) => listed.name === name);
    if (client === undefined) throw new Error(`the client ${name} was not created`);
    clients.push({ apiKey, clientId: client.id });
  }
  const urls = gateways.map(({ links }) => `http://127.0.0.1:${links.callers.port}`) as [string, string]; // two gateways
  const [crm, ...others] = clients.reverse();
  const callers = Array.from({ length: plan.callers }, (_, index) => {
    const name = `caller-${index + 1}`;
    const client = others[index % others.length] ?? { apiKey: '', clientId: '' };
    return new Caller({ name, ...client, urls, records, random: random.fork(name), connections, plan, histories });
  });
  const importers = Array.from({ length: plan.importers }, (_, index) => {
    const name = `importer-${index + 1}`;
    const { apiKey = '' } = crm ?? {};
    return new Importer({ name, apiKey, urls, records, random: random.fork(name), connections, histories: imports });
  });
  return { callers, importers, clientIds: others.map(({ clientId }) => clientId) };
}

async function runLane(
  environment: ChaosEnvironment,
  faults: readonly Fault[],
  records: SharedRecords,
  { faults: counts }: RoundProgress,
  periods: FaultPeriod[],
  stop: AbortSignal,
): Promise<void> {
  const startedAt = performance.now();
  for (const fault of faults) {
    await pause(Math.max(0, startedAt + fault.atMs - performance.now()), stop);
    if (stop.aborted) return;
    counts[fault.kind] = (counts[fault.kind] ?? 0) + 1;
    const from = performance.now();
    await inject(environment, fault, records, stop);
    periods.push({ kind: fault.kind, from, to: performance.now() });
  }
}

async function checkRecovery(environment: ChaosEnvironment): Promise<Violation[]> {
  try {
    await environment.ready();
    return [];
  } catch (error) {
    return [{ rule: 'process', message: String(error) }];
  }
}

function processFailures({ processes }: ChaosEnvironment): Violation[] {
  return processes.flatMap(({ failures, lastLog }) =>
    failures.splice(0).map((message): Violation => ({ rule: 'process', message: `${message}\n${lastLog}` })),
  );
}

/** Backends of a gateway that was killed end a little later, so they are limited only while no gateway is killed. */
function tooManyBackends({ lanes }: RoundPlan, backends: number): Violation[] {
  if (backends <= maxBackends || lanes.some(({ kinds }) => kinds.includes('gateway-killed'))) return [];
  return [{ rule: 'process', message: `the gateways had ${backends} backends, more than ${maxBackends}` }];
}
