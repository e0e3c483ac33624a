import { setTimeout as sleep } from 'node:timers/promises';
import { inject } from 'vitest';
import type { Database } from '#libs/database';
import type { ApiClient } from './api.client';
import { roleUrl } from './server.database';
import { WorkerProcess } from './worker.process';

/** An import job whose worker processes are killed. */
export interface ImportTrial {
  /** Kills the worker this many times in the middle of the job, and starts another one each time. */
  killWorker(times: number): Promise<void>;
  /** The job, when it has ended. */
  finishedJob(): Promise<Record<string, unknown>>;
  end(): Promise<void>;
}

/** Imports this many rows through a worker process, which is killed with SIGKILL. */
export async function startImportTrial(url: string, caller: ApiClient, rows: number): Promise<ImportTrial> {
  const objects = Array.from({ length: rows }, (_, i) => ({ default: { name: `Row ${i}` } }));
  const start = (): Promise<WorkerProcess> =>
    WorkerProcess.start(roleUrl(url, inject('workerRole')), { IMPORT_LEASE_SECONDS: '1', LOG_LEVEL: 'info' });
  const accepted = await caller.call('POST', caller.path('organization/import'), { body: { objects } });
  const job = async (): Promise<any> => (await caller.call('GET', String(accepted.headers.location))).body;
  const records = async (): Promise<number> => (await caller.call('GET', caller.path('organization/count'))).body.total;
  let worker = await start();
  return {
    killWorker: async (times) => {
      for (let kill = 1; kill <= times; kill += 1) {
        // In the middle: after some rows, and before the last ones.
        while ((await records()) < (kill * rows) / (times + 1)) await sleep(2);
        await worker.end('SIGKILL');
        worker = await start();
      }
    },
    finishedJob: async () => {
      for (;;) {
        const state = await job();
        if (state.status !== 'processing') return state as Record<string, unknown>;
        await sleep(50);
      }
    },
    end: async () => {
      await worker.end('SIGTERM');
    },
  };
}

/** The numbers of records of a team, of duplicates by name, and of records that were changed. */
export async function countImported(
  database: Database,
  teamId: string,
): Promise<{ records: number; duplicates: number; changed: number }> {
  const { rows } = await database.query<{ records: number; duplicates: number; changed: number }>(
    `SELECT count(*)::integer AS records, (count(*) - count(DISTINCT properties ->> 'name'))::integer AS duplicates,
            (count(*) FILTER (WHERE version <> 1))::integer AS changed
       FROM records WHERE team_id = $1`,
    [teamId],
  );
  return rows[0] ?? { records: 0, duplicates: 0, changed: 0 };
}
