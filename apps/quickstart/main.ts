import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { styleText } from 'node:util';
import { migrate } from '#libs/database';
import { availablePort } from './available.port';
import { demoCurl, provideDemoData } from './demo.data';
import { EmbeddedPostgres } from './embedded.postgres';
import { Programs, tailOf } from './programs';
import { findRedis } from './running.redis';
import { acquireLock } from './start.lock';

/** Data that is kept between starts, and logs. */
const FOLDER = join(__dirname, '../../../.data');
/** The terminal shows the demo key, so other machines reach the gateway only if HOST says so. */
const LOOPBACK = '127.0.0.1';

/** Starts Postgres, a worker and a gateway with demo data, and runs them until a stop is requested. */
async function launch(env: NodeJS.ProcessEnv): Promise<void> {
  const stopped = stopRequested();
  if (env.NODE_ENV === 'production') {
    throw new Error(
      'npm start is for a trial, never for production (NODE_ENV=production): it creates a demo team and prints its key.\n' +
        'In production: npm run migrate, then npm run gateway, with DATABASE_URL set.',
    );
  }
  const releaseLock = acquireLock(FOLDER);
  const programs = new Programs(FOLDER);
  const postgres = env.DATABASE_URL ? undefined : new EmbeddedPostgres(FOLDER);
  try {
    await Promise.race([stopped, runAll(env, programs, postgres)]);
    print('', '  stopping ...');
  } finally {
    await programs.stop();
    await postgres?.stop();
    releaseLock();
  }
  print('  stopped', '');
}

/** Rejects if a start fails, or when a program ends. */
async function runAll(env: NodeJS.ProcessEnv, programs: Programs, postgres?: EmbeddedPostgres): Promise<never> {
  print('', '  prism gateway: a trial on this machine', '');
  const databaseUrl = (await postgres?.start()) ?? env.DATABASE_URL ?? '';
  report('postgres', postgres ? `embedded · data in ${postgres.home}/` : 'your database');
  // An empty REDIS_URL means without Redis.
  const redisUrl = env.REDIS_URL ?? (await findRedis());
  const origin = env.REDIS_URL ? 'your server' : 'found at 127.0.0.1:6379';
  report('redis', redisUrl ? origin : 'none · not required: Postgres stores the responses that are replayed');
  const applied = await migrate(databaseUrl);
  report('schema', applied.length === 0 ? 'up to date' : `${applied.length} files applied`);

  const { HOST: host = LOOPBACK, METRICS_HOST: metricsHost = LOOPBACK } = env;
  const port = await choosePort(env, 'PORT', host, 3000);
  const metricsPort = await choosePort(env, 'METRICS_PORT', metricsHost, 9464);
  const settings = { ...env, DATABASE_URL: databaseUrl, REDIS_URL: redisUrl };
  const failed = Promise.race([
    programs.run('worker', { ...settings, METRICS_HOST: LOOPBACK, METRICS_PORT: '0' }),
    programs.run('gateway', {
      // No load balancer needs time to notice the shutdown, and no client has another gateway.
      ...{ DRAIN_DELAY_MS: '0', DRAIN_GRACE_MS: '0', ...settings },
      ...{ HOST: host, PORT: port, METRICS_HOST: metricsHost, METRICS_PORT: metricsPort },
    }),
  ]);
  const reachable = host === '0.0.0.0' ? LOOPBACK : host;
  const url = `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
  const ready = untilReady(url).then(() => provideDemoData(FOLDER, url, databaseUrl, env.DATABASE_URL ?? ''));
  const demo = await Promise.race([failed, ready]);

  report('gateway', `ready in ${Math.round(performance.now())} ms · logs in ${FOLDER}/`);
  report('try it', `${url}/docs`);
  report('metrics', `http://${metricsHost}:${metricsPort}/metrics`);
  report('team', demo.team);
  report('api key', demo.apiKey);
  print('', '  Four patches in one request, each in its own transaction. One of them can succeed.');
  print('  Paste into another terminal:', '', demoCurl(url, demo), '');
  print('  Paste it again: no patch is applied twice, and the response has the header idempotent-replay: true.');
  print('  Ctrl-C stops everything. Your data is kept for the next start.', '');
  return failed;
}

/** The port that a variable of the environment has, if a server can listen on it; 0 is any free port. */
async function choosePort(
  env: NodeJS.ProcessEnv,
  variable: string,
  host: string,
  defaultPort: number,
): Promise<string> {
  const wanted = Number(env[variable] ?? defaultPort);
  if (!Number.isInteger(wanted) || wanted < 0 || wanted > 65_535) {
    throw new Error(`${variable} must be a port number, or 0 for any free port: ${variable}=${defaultPort} npm start`);
  }
  const port = await availablePort(host, wanted).catch((error: unknown) => {
    const message = `port ${wanted} of ${host} is not available. Choose another: ${variable}=0 npm start`;
    throw new Error(message, { cause: error });
  });
  return String(port);
}

async function untilReady(url: string): Promise<void> {
  const deadline = AbortSignal.timeout(60_000);
  while (!deadline.aborted) {
    const response = await fetch(`${url}/health/ready`).catch(() => undefined); // It does not listen yet.
    if (response?.ok) return;
    await sleep(25);
  }
  throw new Error(`the gateway is not ready after 60 s${tailOf(join(FOLDER, 'gateway.log'))}`);
}

/** Resolves at Ctrl-C, SIGTERM, SIGHUP, or when the output is closed. */
function stopRequested(): Promise<unknown> {
  return new Promise((resolve) => {
    // The handlers stay: npm forwards a signal that the terminal has sent already, so each comes twice.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, resolve);
    process.stdout.on('error', resolve);
  });
}

function report(label: string, text: string): void {
  print(`  ${label.padEnd(9)} ${text}`);
}

function print(...lines: string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

launch(process.env).then(
  // Exits although something may still wait, such as a start that was interrupted.
  () => process.exit(0),
  (error: unknown) => {
    const { message, cause } = error instanceof Error ? error : new Error(String(error));
    const reason = cause instanceof Error ? `: ${cause.message}` : '';
    print('', styleText('red', message + reason), '');
    process.exit(1);
  },
);
