import { join } from 'node:path';

import type { DataFolder } from './data.folder';
import { freePort } from './free.port';
import { QuickstartError } from './quickstart.error';
import type { ServerProcesses } from './server.processes';
import type { Service } from './service';
import { waitUntil } from './wait.until';

const LOOPBACK = '127.0.0.1';
const READY_MS = 60_000;
const PROBE_MS = 2_000;

/** A gateway that is ready. */
export interface Gateway {
  url: string;
  metricsUrl: string;
}

/**
 * Runs the gateway as `npm run gateway` does, and waits until it is ready. It listens on the loopback interface unless HOST
 * says otherwise: the terminal shows the demo key.
 *
 * @throws QuickstartError if a port is in use, or the gateway does not get ready
 */
export async function startGateway(
  folder: DataFolder,
  servers: ServerProcesses,
  env: NodeJS.ProcessEnv,
  services: { postgres: Service; redis: Service | undefined },
): Promise<Gateway> {
  const { HOST: host = LOOPBACK, METRICS_HOST: metricsHost = LOOPBACK } = env;
  const port = await choosePort(env, 'PORT', host, 3000);
  const metricsPort = await choosePort(env, 'METRICS_PORT', metricsHost, 9464);
  servers.start({
    name: 'gateway',
    command: process.execPath,
    args: [join(folder.projectRoot, 'dist/apps/gateway/main.js')],
    stopSignal: 'SIGTERM',
    env: {
      // No load balancer needs time to notice the shutdown, and no client has another gateway.
      DRAIN_DELAY_MS: '0',
      DRAIN_GRACE_MS: '0',
      ...env,
      DATABASE_URL: services.postgres.url,
      REDIS_URL: services.redis?.url,
      ...{ HOST: host, PORT: String(port), METRICS_HOST: metricsHost, METRICS_PORT: String(metricsPort) },
    },
  });
  const url = `http://${reachableHost(host)}:${port}`;
  if (!(await waitUntil(() => isReady(url), READY_MS))) {
    throw new QuickstartError(`the gateway is not ready after ${READY_MS / 1000} s`, servers.logFile('gateway'));
  }
  return { url, metricsUrl: `http://${reachableHost(metricsHost)}:${metricsPort}` };
}

async function choosePort(env: NodeJS.ProcessEnv, variable: string, host: string, usual: number): Promise<number> {
  const given = env[variable] ?? '';
  const wanted = given === '' ? usual : Number(given);
  if (!(Number.isInteger(wanted) && wanted >= 0 && wanted <= 65_535)) {
    throw new QuickstartError(`${variable} must be a port, 0 to 65535; 0 selects a free one`);
  }
  const port = await freePort(host, wanted);
  if (port !== undefined) return port;
  throw new QuickstartError(`port ${wanted} of ${host} is in use. Choose another: ${variable}=0 npm start`);
}

function reachableHost(host: string): string {
  if (host === '0.0.0.0' || host === '::' || host === 'localhost') return LOOPBACK;
  return host.includes(':') ? `[${host}]` : host;
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(PROBE_MS) })).ok;
  } catch {
    return false; // It does not listen yet.
  }
}
