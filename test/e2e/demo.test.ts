// @module-tag redis-server
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { guard } from '../support/child.guard';
import { createDatabase, type TestDatabase } from '../support/database';
import { GatewayProcess } from '../support/gateway.process';
import { roleUrl } from '../support/server.database';
import { Session } from '../support/session';

const PROGRAM = 'dist/apps/demo/main.js';
/** Enough for a program to start. */
const POLL = { timeout: 20_000 };

let database: TestDatabase;
let session: Session;

beforeAll(async () => {
  database = await createDatabase();
  session = await Session.open(database.url);
});
afterAll(async () => {
  await session.close();
  await database.drop();
});

/** Runs the demo until `until` resolves, then stops it. Resolves with its exit code and log. */
async function runDemo(gatewayUrl: string, until: () => Promise<void>): Promise<{ code: unknown; log: string }> {
  expect(existsSync(PROGRAM), 'the program is built: npm run build').toBe(true);
  const demo = spawn(process.execPath, [PROGRAM, gatewayUrl], {
    env: { DATABASE_URL: database.url },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  guard(demo);
  let log = '';
  demo.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const exit = once(demo, 'exit');
  try {
    await until();
  } finally {
    demo.kill('SIGTERM');
  }
  const [code] = (await exit) as [unknown];
  return { code, log };
}

const keys = (): Promise<{ n: number; live: number }[]> =>
  session.query('SELECT count(*)::int AS n, count(*) FILTER (WHERE revoked_at IS NULL)::int AS live FROM api_keys');

it('generates every kind of traffic at each start, and revokes its keys when it stops', async () => {
  const gateway = GatewayProcess.start({
    DATABASE_URL: roleUrl(database.url, inject('gatewayRole')),
    REDIS_URL: inject('redisUrl'),
  });
  const { api, admin } = await gateway.listening();

  const nonZeroSeries = async (): Promise<string[]> => {
    const metrics = await (await fetch(`${admin}/metrics`)).text();
    return metrics.split('\n').filter((line) => !line.startsWith('#') && !line.endsWith(' 0'));
  };
  const expected = [
    /^prism_batches_total\{operation="update",result="all_ok"\}/,
    /^prism_batches_total\{operation="update",result="partial"\}/,
    /^prism_batches_total\{operation="update",result="all_failed"\}/,
    /^prism_batch_items_total\{operation="patch",object_type="\w+",outcome="ok",code="none"\}/,
    /^prism_idempotency_requests_total\{result="executed"\}/,
    /^prism_idempotency_requests_total\{result="replayed_cache"\}/,
    /^prism_http_requests_total\{method="GET",route="\/v2\/prism\/:team\/:object\/:id",status="200"\}/,
    /^prism_http_requests_total\{method="GET",route="\/v2\/prism\/:team\/:object\/:id",status="404"\}/,
    /^prism_client_items_total\{client="demo-billing",outcome="ok",code="none"\}/,
    /^prism_client_items_total\{client="demo-sync",outcome="ok",code="none"\}/,
  ];
  for (const starts of [1, 2]) {
    const { code, log } = await runDemo(api, async () => {
      await expect
        .poll(async () => {
          const lines = await nonZeroSeries();
          return expected.filter((pattern) => !lines.some((line) => pattern.test(line)));
        }, POLL)
        .toEqual([]);
      await expect.poll(keys, POLL).toEqual([{ n: 2 * starts, live: 2 }]);
    });
    expect(code, log).toBe(0);
    expect(log).not.toContain('"level":"warn"');
    expect(await keys()).toEqual([{ n: 2 * starts, live: 0 }]);
  }
});

it('continues while the gateway is unavailable, and logs it', async () => {
  const { code, log } = await runDemo('http://127.0.0.1:9', async () => {
    await expect.poll(keys, POLL).toEqual([expect.objectContaining({ live: 2 })]);
  });
  expect(code, log).toBe(0);
  expect(log).toContain('a round failed');
});
