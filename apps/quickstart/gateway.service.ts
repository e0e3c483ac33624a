import { join } from 'node:path';

import { type DataFolder } from './data.folder';
import { tryPort } from './free.port';
import { type Supervisor } from './keeper.client';
import { QuickstartError } from './quickstart.error';
import { type Service } from './service';
import { waitUntil } from './wait.until';

const LOOPBACK = '127.0.0.1';
const READY_MS = 60_000;

/** A gateway that answers. */
export interface Gateway {
  url: string;
  metricsUrl: string;
  /** What differs from what the user may expect, one sentence each. */
  notes: string[];
}

interface PortChoice {
  variable: 'PORT' | 'METRICS_PORT';
  host: string;
  port: number;
  note?: string;
}

/**
 * Runs the gateway itself, as `npm run gateway` would, and waits until it is ready.
 *
 * @throws QuickstartError if a port that was asked for is taken, or the gateway ends.
 */
export async function startGateway(
  folder: DataFolder,
  supervisor: Supervisor,
  env: NodeJS.ProcessEnv,
  postgres: Service,
  redis: Service | undefined,
): Promise<Gateway> {
  const logFile = folder.file('gateway.log');
  // Only for this machine unless told otherwise: the demo key is no secret.
  const api = await choosePort(env, 'PORT', env.HOST ?? LOOPBACK, 3000);
  const metrics = await choosePort(env, 'METRICS_PORT', env.METRICS_HOST ?? LOOPBACK, 9464);
  supervisor.spawn({
    name: 'gateway',
    command: process.execPath,
    args: [join(__dirname, '..', 'gateway', 'main.js')],
    cwd: folder.projectRoot,
    env: {
      // A load balancer would need time to notice; nobody but the person at the terminal waits here.
      DRAIN_DELAY_MS: '0',
      ...env,
      NODE_ENV: 'development',
      DATABASE_URL: postgres.url,
      REDIS_URL: redis?.url,
      HOST: api.host,
      PORT: String(api.port),
      METRICS_HOST: metrics.host,
      METRICS_PORT: String(metrics.port),
    },
    logFile,
    stop: [
      { signal: 'SIGTERM', waitMs: 6_000 },
      { signal: 'SIGKILL', waitMs: 1_000 },
    ],
  });
  const url = `http://${visitable(api.host)}:${api.port}`;
  const ready = await waitUntil(() => {
    supervisor.assertRunning('gateway');
    return isReady(url);
  }, READY_MS);
  if (!ready) throw new QuickstartError(`the gateway does not get ready within ${READY_MS / 1000} s`, logFile);
  return {
    url,
    metricsUrl: `http://${visitable(metrics.host)}:${metrics.port}`,
    notes: [api, metrics].flatMap(({ note }) => note ?? []),
  };
}

async function choosePort(
  env: NodeJS.ProcessEnv,
  variable: PortChoice['variable'],
  host: string,
  usual: number,
): Promise<PortChoice> {
  const given = env[variable];
  const wanted = given === undefined || given === '' ? usual : Number(given);
  if (!Number.isInteger(wanted) || wanted < 0 || wanted > 65_535) {
    throw new QuickstartError(`${variable} must be a port, 0 to 65535; 0 takes any free one`);
  }
  const port = await tryPort(host, wanted);
  if (port !== undefined) return { variable, host, port };
  if (given) throw new QuickstartError(`port ${wanted} is taken: give another, as in ${variable}=0 npm start`);
  const other = await tryPort(host, 0);
  if (other === undefined) throw new QuickstartError(`cannot listen on ${host}`);
  return { variable, host, port: other, note: `port ${usual} is taken, so ${other} it is; choose with ${variable}=` };
}

function visitable(host: string): string {
  if (host === '0.0.0.0' || host === '::' || host === 'localhost') return LOOPBACK;
  return host.includes(':') ? `[${host}]` : host;
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(2_000) });
    return response.ok;
  } catch {
    return false; // Not listening yet.
  }
}
