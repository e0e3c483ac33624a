import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { migrate } from '#libs/database';
import { readDashboards, type Dashboard } from '../deploy/monitoring.files';
import { openWatchedStage, type WatchedStage } from '../deploy/watched.stage';
import { guard } from '../support/child.guard';
import { Cleanup } from '../support/cleanup';
import { PostgresServer } from '../support/postgres.server';
import type { TimeRange } from '../support/prometheus.server';
import { type RedisServer, startRedis } from '../support/redis.server';
import { drawDashboard } from './dashboard.drawing';
import { type PanelData, readPanel } from './panel.data';

const folder = 'docs/dashboards';
/** Rates look back for some seconds: before that they have no value. */
const warmUpMs = 20_000;
const healthyMs = 150_000;
const withoutRedisMs = 15_000;
const afterwardsMs = 135_000;

/**
 * Draws what the dashboards show of gateways under traffic of every kind, of which the Redis hangs for a while.
 * Exit code 1 if a panel has no data.
 */
async function main(stop: AbortSignal): Promise<void> {
  const cleanup = new Cleanup();
  try {
    const postgres = await PostgresServer.create();
    cleanup.add(() => postgres.remove());
    const redis = await startRedis();
    cleanup.add(() => redis.kill());
    await migrate(postgres.url);
    const setup = { databaseUrl: postgres.url, redisUrl: redis.url, gateways: 2, pauseMs: 500 };
    const stage = await openWatchedStage(setup, cleanup);
    startDemo(stage.url, postgres.url, cleanup);
    const range = await run(redis, stop);
    for (const dashboard of readDashboards()) await draw(dashboard, stage, range);
  } finally {
    await cleanup.run();
  }
}

/** The traffic of `docker-compose.yml`: that of callers to whom hardly anything happens. */
function startDemo(url: string, databaseUrl: string, cleanup: Cleanup): void {
  const demo = spawn(process.execPath, ['dist/apps/demo/main.js', url], {
    env: { DATABASE_URL: databaseUrl, LOG_LEVEL: 'error' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  guard(demo);
  const exit = once(demo, 'exit');
  cleanup.add(async () => {
    demo.kill('SIGTERM');
    await exit;
  });
}

/** Lets things happen. @returns when that was */
async function run(redis: RedisServer, stop: AbortSignal): Promise<TimeRange> {
  const wait = (ms: number): Promise<void> => sleep(ms, undefined, { signal: stop });
  const minutes = (warmUpMs + healthyMs + withoutRedisMs + afterwardsMs) / 60_000;
  print(`traffic for ${minutes.toFixed(1)} minutes\n`);
  await wait(warmUpMs);
  const start = Math.floor(Date.now() / 1_000);
  await wait(healthyMs);
  redis.pause();
  await wait(withoutRedisMs);
  redis.resume();
  await wait(afterwardsMs);
  return { start, end: Math.floor(Date.now() / 1_000) };
}

async function draw(
  { file, title, templating, panels }: Dashboard,
  stage: WatchedStage,
  range: TimeRange,
): Promise<void> {
  const client = templating.list.find(({ name }) => name === 'client')?.allValue ?? '';
  const read: PanelData[] = [];
  for (const panel of panels) read.push(await readPanel(stage.prometheus, panel, range, client));
  const svg = drawDashboard(title, read, range);
  const path = join(folder, file.replace('.json', '.svg'));
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, svg);
  print(`${path}: ${read.length} panels, ${Math.ceil(svg.length / 1_024)} KiB\n`);
}

function print(text: string): void {
  process.stdout.write(text);
}

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    stop.abort(new Error(`ended by ${signal}`));
  });
}
main(stop.signal).then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
