import { Client } from 'pg';
import type { ChaosEnvironment } from './chaos.environment';
import type { RequestHistory } from './history';
import { readResponse } from './response.reader';

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

/** Milliseconds from each takeover to the first response that has an outcome for every item and was not replayed. */
export function firstWritesAfter(takeovers: readonly number[], histories: readonly RequestHistory[]): number[] {
  const ends = histories.flatMap((history) =>
    history.attempts
      .filter(
        ({ outcome }) =>
          typeof outcome !== 'string' && !outcome.replay && readResponse(history, outcome).kind === 'settled',
      )
      .map(({ endedAt }) => endedAt),
  );
  return takeovers.map((at) => Math.min(...ends.filter((end) => end > at)) - at).filter(Number.isFinite);
}
