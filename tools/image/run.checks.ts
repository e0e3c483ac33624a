import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { PostgresServer } from '../../test/support/postgres.server';
import { freePort } from '../../test/support/free.port';
import { startRedis, type RedisServer } from '../../test/support/redis.server';
import type { BuiltImage } from './built.image';
import { Container } from './container';

const startDeadlineMs = 30_000;
const organization = 'organization';

/** The programs of the image, with a Postgres and a Redis of this machine. */
export class ImageRun {
  private constructor(
    private readonly image: BuiltImage,
    private readonly postgres: PostgresServer,
    private readonly redis: RedisServer,
  ) {}

  static async open(image: BuiltImage): Promise<ImageRun> {
    return new ImageRun(image, await PostgresServer.create(), await startRedis());
  }

  async close(): Promise<void> {
    await Promise.all([this.postgres.remove(), this.redis.kill()]);
  }

  /** Checks that it can neither write files nor become root. */
  async hasNoPrivileges(): Promise<void> {
    const attempts = `
      const attempt = (what) => { try { what(); return 'done'; } catch ({ code }) { return code; } };
      const { writeFileSync, readFileSync } = require('node:fs');
      const status = readFileSync('/proc/self/status', 'utf8');
      console.log(JSON.stringify([
        process.getuid(), attempt(() => writeFileSync('/app/x', '')), attempt(() => writeFileSync('/tmp/x', '')),
        attempt(() => process.setuid(0)), /CapBnd:\\s+0+\\n/.test(status) && /NoNewPrivs:\\s+1\\n/.test(status),
      ]));`;
    const { code, output } = await Container.run(this.image, {}, ['node', '-e', attempts]);
    equal(code, 0, output);
    deepEqual(JSON.parse(output), [this.image.user.uid, 'EROFS', 'EROFS', 'EPERM', true]);
  }

  async migrates(): Promise<void> {
    for (const expected of [/applied 0001/, /up to date/]) match(await this.admin('migrate'), expected);
  }

  /** Checks that a gateway becomes ready, applies a keyed batch once, passes the health check of the image, and drains. */
  async serves(): Promise<void> {
    const { id: team } = JSON.parse(await this.admin('team', 'create', '--name', 'Check', '--json')) as { id: string };
    const scopes = ['--scope', 'records:read,records:write', '--json'];
    const output = await this.admin('key', 'create', '--team', team, '--client', 'check', ...scopes);
    const { api_key } = JSON.parse(output) as { api_key: string };
    const [port, metricsPort] = [await freePort(), await freePort()];
    const settings = {
      PORT: String(port),
      METRICS_PORT: String(metricsPort),
      DRAIN_DELAY_MS: '100',
      DRAIN_GRACE_MS: '0',
    };
    const gateway = Container.start(this.image, { ...this.addresses, ...settings });
    try {
      await untilReady(`http://127.0.0.1:${port}/health/ready`, gateway);
      const call = caller(`http://127.0.0.1:${port}/v2/prism/${team}/${organization}`, api_key);
      const created = await call('', { default: { name: 'Acme' } });
      equal(created.status, 201);
      const { id } = (await created.json()) as { id: string };
      const items = [{ id, default: { name: 'Acme 2' } }];
      for (const replay of [null, 'true']) {
        const response = await call('/batch/update', { items }, 'check-1');
        deepEqual([response.status, response.headers.get('idempotent-replay')], [200, replay]);
        match(await response.text(), /"etag": ?"\\"2-[0-9a-f]+\\""/);
      }
      const [, ...healthcheck] = this.image.config.Healthcheck?.Test ?? [];
      equal((await Container.run(this.image, { PORT: String(port) }, healthcheck)).code, 0);
      const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
      ok(
        /^prism_batch_items_total\{operation="update",.*outcome="ok".*\} 1$/m.test(metrics),
        'it did not count the item',
      );
    } finally {
      equal(await gateway.stop(), 0, gateway.log);
    }
  }

  async works(): Promise<void> {
    const port = await freePort();
    const worker = Container.start(this.image, { ...this.addresses, METRICS_PORT: String(port) }, [
      'node',
      'dist/apps/worker/main.js',
    ]);
    try {
      await untilReady(`http://127.0.0.1:${port}/health/ready`, worker);
    } finally {
      equal(await worker.stop(), 0, worker.log);
    }
  }

  private get addresses(): Record<string, string> {
    return { DATABASE_URL: this.postgres.url, REDIS_URL: this.redis.url, HOST: '127.0.0.1', METRICS_HOST: '127.0.0.1' };
  }

  private async admin(...args: string[]): Promise<string> {
    const command = ['node', 'dist/apps/admin/main.js', ...args];
    const { code, output } = await Container.run(this.image, this.addresses, command);
    equal(code, 0, output);
    return output;
  }
}

function caller(url: string, apiKey: string) {
  return (path: string, body: object, key?: string): Promise<Response> =>
    fetch(url + path, {
      method: 'POST',
      headers: {
        'x-api-key': apiKey,
        'content-type': 'application/json',
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      },
      body: JSON.stringify(body),
    });
}

async function untilReady(url: string, container: Container): Promise<void> {
  const deadline = performance.now() + startDeadlineMs;
  while (performance.now() < deadline) {
    const ready = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) return;
    await sleep(50);
  }
  ok(false, `${url} did not respond with 200:\n${container.log}`);
}
