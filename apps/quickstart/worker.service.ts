import { join } from 'node:path';

import type { DataFolder } from './data.folder';
import type { ServerProcesses } from './server.processes';
import type { Service } from './service';

/** Runs a worker as `npm run worker` does, with its metrics on a free port of the loopback interface. */
export function startWorker(
  folder: DataFolder,
  servers: ServerProcesses,
  env: NodeJS.ProcessEnv,
  postgres: Service,
): void {
  servers.start({
    name: 'worker',
    command: process.execPath,
    args: [join(folder.projectRoot, 'dist/apps/worker/main.js')],
    stopSignal: 'SIGTERM',
    env: { ...env, DATABASE_URL: postgres.url, METRICS_HOST: '127.0.0.1', METRICS_PORT: '0' },
  });
}
