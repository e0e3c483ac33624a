import { Client } from 'pg';
import type { ChaosEnvironment } from './chaos.environment';
import { failoverKinds, type FaultKind, patroniKinds } from './fault.schedule';
import type { RequestHistory } from './history';
import { readResponse } from './results.reader';

const intervalMs = 200;
const countBackends = "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'prism-gateway'";

/** Counts the backends of both gateways on each server until the signal. @returns the highest count of one server */
export async function highestBackendCount(environment: ChaosEnvironment, stop: AbortSignal): Promise<number> {
  let highest = 0;
  while (!stop.aborted) {
    highest = Math.max(highest, ...(await Promise.all(environment.serverUrls.map(backendCount))));
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
  return highest;
}

/** 0 while the server is down, which is a fault of the round. */
async function backendCount(url: string): Promise<number> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 1_000, query_timeout: 1_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ n: number }>(countBackends);
    return rows[0]?.n ?? 0;
  } catch {
    return 0;
  } finally {
    await client.end();
  }
}

/** From the injection of a fault to its repair, in milliseconds. */
export interface FaultPeriod {
  kind: FaultKind;
  from: number;
  to: number;
}

/** The first response of a gateway after a takeover that has an outcome for every item and was not replayed. */
export interface FirstWrite {
  gateway: number;
  /** Milliseconds since the takeover. */
  ms: number;
  /** Whether another fault disturbed gateways, connections or records within the target, or another takeover followed within it. */
  disturbed: boolean;
}

/** The target for an undisturbed first write. It depends on the load of the machine, so a later one is counted and is no violation. */
export const FIRST_WRITE_TARGET_MS = 2_000;

/** Faults that do not disturb writes, or are the cause of the takeover. */
const ignored: ReadonlySet<FaultKind> = new Set<FaultKind>([...failoverKinds, ...patroniKinds, 'worker-killed']);

/** The first writes of each gateway after each takeover; none for a takeover after which the gateway has written nothing. */
export function firstWritesAfter(
  takeovers: readonly number[],
  histories: readonly RequestHistory[],
  faults: readonly FaultPeriod[],
): FirstWrite[] {
  const others = faults.filter(({ kind }) => !ignored.has(kind));
  const writes = histories.flatMap((history) =>
    history.attempts.filter(
      ({ outcome }) =>
        typeof outcome !== 'string' && !outcome.replay && readResponse(history, outcome).kind === 'settled',
    ),
  );
  return takeovers
    .flatMap((at) =>
      [0, 1].map((gateway) => {
        const later = writes.filter((write) => write.gateway === gateway && write.endedAt > at);
        const end = Math.min(...later.map(({ endedAt }) => endedAt));
        const windowEnd = Math.min(end, at + FIRST_WRITE_TARGET_MS);
        const disturbed =
          others.some(({ from, to }) => from < windowEnd && to > at) ||
          takeovers.some((other) => other > at && other < windowEnd);
        return { gateway, ms: end - at, disturbed };
      }),
    )
    .filter(({ ms }) => Number.isFinite(ms));
}
