import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { styleText } from 'node:util';
import { migrate } from '#libs/database';
import { demoCurl, provideDemoData } from './demo.data';
import { EmbeddedPostgres } from './embedded.postgres';
import { availablePort, findRedis } from './local.ports';
import { Programs, tailOf } from './programs';
import { acquireLock } from './start.lock';

/** Data that is kept between starts, and logs. */
const FOLDER = join(__dirname, '../../../.data');
/** The terminal shows the demo key, so other machines reach the gateway only if HOST says so. */
const LOOPBACK = '127.0.0.1';

/** Starts Postgres, a worker and a gateway with demo data, and runs them until a stop is requested. */
async function launch(env: NodeJS.ProcessEnv): Promise<void> {
  if (env.NODE_ENV === 'production') {
    const instead = 'npm run migrate, then npm run gateway, with DATABASE_URL set';
    throw new Error(`npm start prints an API key: never for production (NODE_ENV=production). Use ${instead}`);
  }
  const stopped = new Promise((resolve) => {
    // The handlers stay: npm forwards a signal that the terminal has sent already, so each comes twice.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, resolve);
    process.stdout.on('error', resolve); // The terminal is closed.
  });
  const releaseLock = acquireLock(FOLDER);
  print('', '  prism gateway: a trial on this machine', '');
  const programs = new Programs(FOLDER);
  const postgres = env.DATABASE_URL ? undefined : new EmbeddedPostgres(FOLDER);
  const starting = postgres?.start() ?? Promise.resolve(env.DATABASE_URL ?? '');
  try {
    await Promise.race([stopped, starting.then((url) => runAll(env, programs, url, postgres?.home))]);
    print('', '  stopping ...');
  } finally {
    await programs.stop();
    await Promise.allSettled([starting]); // Postgres can be stopped only after it has started.
    await postgres?.stop();
    releaseLock();
  }
  print('  stopped', '');
}

/** Rejects if a start fails, or when a program ends. */
async function runAll(env: NodeJS.ProcessEnv, programs: Programs, databaseUrl: string, home?: string): Promise<never> {
  report('postgres', home ? `embedded · data in ${home}/` : 'your database');
  // An empty REDIS_URL means without Redis.
  const redisUrl = env.REDIS_URL ?? (await findRedis());
  const origin = env.REDIS_URL ? 'your server' : 'found at 127.0.0.1:6379';
  report('redis', redisUrl ? origin : 'none · not required: Postgres stores the responses that are replayed');
  const applied = await migrate(databaseUrl);
  report('schema', applied.length === 0 ? 'up to date' : `${applied.length} files applied`);

  const { HOST: host = LOOPBACK, METRICS_HOST: metricsHost = LOOPBACK } = env;
  const port = await choosePort('PORT', host, env.PORT ?? '3000');
  const metricsPort = await choosePort('METRICS_PORT', metricsHost, env.METRICS_PORT ?? '9464');
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
  const ready = untilReady(url).then(() => provideDemoData(FOLDER, url, databaseUrl));
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

/** The wanted port of a setting if a server can listen on it; 0 is any free port. */
async function choosePort(variable: string, host: string, wanted: string): Promise<string> {
  if (!/^\d{1,5}$/.test(wanted)) throw new Error(`${variable} must be a port number, or 0 for any free port`);
  const port = await availablePort(host, Number(wanted)).catch((error: unknown) => {
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
