import { setTimeout as sleep } from 'node:timers/promises';
import type { Load } from './load';
import { organizationOf, recordCount } from './organizations';
import { latencyOf } from './statistics';

export const importRows = 10_000;

const pollMs = 200;

interface Caller {
  /** Of the gateway. */
  url: string;
  teamId: string;
  apiKey: string;
}

interface Job {
  status: string;
  succeeded: number;
}

let imported = 0;

/**
 * Imports new records as jobs, one after another, until the time is over.
 *
 * @throws Error if a row fails
 */
export async function driveImports(caller: Caller, seconds: number, signal: AbortSignal): Promise<Load> {
  const samplesMs: number[] = [];
  const startedAt = performance.now();
  let now = startedAt;
  while (now - startedAt < seconds * 1_000) {
    await importOnce(caller, signal);
    const ended = performance.now();
    samplesMs.push(ended - now);
    now = ended;
  }
  return { batches: samplesMs.length, seconds: (now - startedAt) / 1_000, latencyMs: latencyOf(samplesMs) };
}

async function importOnce({ url, teamId, apiKey }: Caller, signal: AbortSignal): Promise<void> {
  const first = recordCount + imported;
  imported += importRows;
  const objects = Array.from({ length: importRows }, (_, index) => ({ default: organizationOf(first + index) }));
  const headers = { 'x-api-key': apiKey, 'content-type': 'application/json' };
  const body = JSON.stringify({ objects });
  const path = `${url}/v2/prism/${teamId}/organization/import`;
  const response = await fetch(path, { method: 'POST', headers, body, signal });
  const location = response.headers.get('location');
  if (response.status !== 202 || location === null) {
    throw new Error(`the import was not accepted: ${response.status} ${(await response.text()).slice(0, 300)}`);
  }
  await response.text();
  for (;;) {
    await sleep(pollMs, undefined, { signal });
    const job = (await (await fetch(url + location, { headers, signal })).json()) as Job; // the body of a job
    if (job.status === 'processing') continue;
    if (job.status === 'complete' && job.succeeded === importRows) return;
    throw new Error(`the import ended as ${job.status} with ${job.succeeded} rows`);
  }
}
