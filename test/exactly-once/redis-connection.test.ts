// @module-tag redis-server
import { mkdtempSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Redis, RedisMetrics, type RedisReply } from '#libs/redis';
import { Instruments } from '#libs/telemetry';
import { freePort } from '../support/free.port';
import { type RedisServer, startRedis } from '../support/redis.server';
import { TcpProxy } from '../support/tcp.proxy';

const BUDGET_MS = 50;
const RECOVERY = { timeout: 10_000, interval: 20 };

const cleanUps: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function server(options: Parameters<typeof startRedis>[0] = {}): Promise<RedisServer> {
  const started = await startRedis(options);
  cleanUps.push(() => started.kill());
  return started;
}

async function connect(redisUrl?: string, redisTimeoutMs = BUDGET_MS) {
  const metrics = new Instruments();
  const lines: string[] = [];
  const write = (line: string): void => {
    lines.push(line);
  };
  const settings = { redisMode: 'single' as const, redisTimeoutMs, ...(redisUrl !== undefined && { redisUrl }) };
  const redis = new Redis(settings, new RedisMetrics(metrics), { log: write, warn: write });
  cleanUps.push(() => redis.close());
  const script = redis.script(join(__dirname, 'echo-1.lua'));
  const echo = (text: string): Promise<RedisReply> => script(['k'], [text]);
  await redis.settled();
  return { redis, metrics, lines, echo };
}

/** The reply if it comes before the event loop's next turn: nothing was waited for. */
async function replyWithoutWaiting(reply: Promise<RedisReply>): Promise<RedisReply | 'later'> {
  return Promise.race([reply, new Promise<'later'>((resolve) => setImmediate(resolve, 'later'))]);
}

async function errors(metrics: Instruments, kind: string): Promise<number | undefined> {
  const metric = await metrics.registry.getSingleMetric('prism_redis_errors_total')?.get();
  return metric?.values.find((value) => value.labels.kind === kind)?.value;
}

async function up(metrics: Instruments): Promise<number | undefined> {
  return (await metrics.registry.getSingleMetric('prism_redis_up')?.get())?.values[0]?.value;
}

const UNAVAILABLE = { ok: false, sent: false };

describe('the connection to Redis', () => {
  it('runs scripts and reports up', async () => {
    const { redis, metrics, lines, echo } = await connect((await server()).url);
    expect(await echo('a')).toEqual({ ok: true, value: Buffer.from('a') });
    expect(await echo('b')).toEqual({ ok: true, value: Buffer.from('b') });
    expect(redis.health()).toBe('up');
    expect(await up(metrics)).toBe(1);
    expect(lines).toEqual(['Redis is available']);
  });

  it('loads scripts again after SCRIPT FLUSH', async () => {
    const { url, port } = await server();
    const { echo } = await connect(url);
    await echo('a');
    await command(port, 'SCRIPT FLUSH');
    expect(await echo('b')).toEqual({ ok: true, value: Buffer.from('b') });
  });

  it('is disabled without REDIS_URL, and logs the consequences once', async () => {
    const { redis, lines, echo } = await connect();
    expect(redis.health()).toBe('disabled');
    expect(await echo('a')).toEqual(UNAVAILABLE);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/REDIS_URL is unset.*409.*limits.*ledger/);
  });

  it('starts while Redis is down, and connects when it is up', async () => {
    const port = await freePort();
    const { redis, lines, echo } = await connect(`redis://someone:secret@127.0.0.1:${port}`);
    expect(redis.health()).toBe('down');
    expect(await replyWithoutWaiting(echo('a'))).toEqual(UNAVAILABLE);
    await server({ port, arguments: ['--user', 'someone', 'on', '>secret', '~*', '+@all'] });
    await vi.waitFor(() => {
      expect(redis.health()).toBe('up');
    }, RECOVERY);
    expect((await echo('a')).ok).toBe(true);
    expect(lines).toEqual([
      expect.stringMatching(/^Redis is unavailable \(connect ECONNREFUSED/),
      'Redis is available',
    ]);
  });

  it('never logs the password, even if Redis rejects it', async () => {
    const { port } = await server();
    const { redis, lines } = await connect(`redis://nobody:s3cret@127.0.0.1:${port}`);
    expect(redis.health()).toBe('down');
    expect(lines).toHaveLength(1);
    expect(lines.join()).toContain('WRONGPASS');
    expect(lines.join()).not.toContain('s3cret');
  });

  it('survives a kill of Redis during calls, and connects to its successor', async () => {
    const first = await server();
    const { redis, metrics, lines, echo } = await connect(first.url);
    const calls = Array.from({ length: 200 }, (_, n) => echo(String(n)));
    await first.kill();
    await Promise.all(calls);
    await vi.waitFor(() => {
      expect(redis.health()).toBe('down');
    }, RECOVERY);
    expect(await up(metrics)).toBe(0);
    expect(await replyWithoutWaiting(echo('a'))).toEqual(UNAVAILABLE);
    await server({ port: first.port });
    await vi.waitFor(() => {
      expect(redis.health()).toBe('up');
    }, RECOVERY);
    expect((await echo('a')).ok).toBe(true);
    expect(lines).toEqual(['Redis is available', expect.stringMatching(/^Redis is unavailable/), 'Redis is available']);
  });

  it('waits once for a paused Redis, then not at all until it responds again', async () => {
    const hanging = await server();
    let connections = 0;
    const proxy = await TcpProxy.start({ host: '127.0.0.1', port: hanging.port }, () => {
      connections += 1;
      return () => undefined;
    });
    cleanUps.push(() => {
      proxy.close();
      return Promise.resolve();
    });
    const { redis, metrics, lines, echo } = await connect(`redis://127.0.0.1:${proxy.port}`);
    await echo('warm');
    hanging.pause();
    const waiting = await Promise.all(Array.from({ length: 20 }, () => echo('a')));
    for (const reply of waiting) expect(reply).toEqual({ ok: false, sent: true });
    // No call probes whether Redis is back: calls fail at once while two connections are attempted, and both time out.
    while (connections < 3) {
      expect(await replyWithoutWaiting(echo('a'))).toEqual(UNAVAILABLE);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(redis.health()).toBe('down');
    expect(await errors(metrics, 'timeout')).toBeGreaterThanOrEqual(1);
    hanging.resume();
    await vi.waitFor(() => {
      expect(redis.health()).toBe('up');
    }, RECOVERY);
    expect(await echo('back')).toEqual({ ok: true, value: Buffer.from('back') });
    expect(lines).toEqual([
      'Redis is available',
      'Redis is unavailable (no response within 50 ms): requests continue without it',
      'Redis is available',
    ]);
  });

  it('starts while Redis is paused', async () => {
    const hanging = await server();
    hanging.pause();
    const { redis } = await connect(hanging.url);
    expect(redis.health()).toBe('down');
    hanging.resume();
    await vi.waitFor(() => {
      expect(redis.health()).toBe('up');
    }, RECOVERY);
  });

  it('does not mistake a busy process for an unresponsive Redis', async () => {
    const { redis, echo } = await connect((await server()).url);
    await echo('warm');
    const call = echo('a');
    const until = performance.now() + 4 * BUDGET_MS;
    while (performance.now() < until);
    expect((await call).ok).toBe(true);
    expect(redis.health()).toBe('up');
  });

  it('returns a rejected call to its caller, and stays connected', async () => {
    const { redis, metrics, lines, echo } = await connect((await server()).url);
    expect((await echo('fail')).ok).toBe(false);
    expect((await echo('fail')).ok).toBe(false);
    expect((await echo('a')).ok).toBe(true);
    expect(redis.health()).toBe('up');
    expect(await errors(metrics, 'other')).toBe(2);
    expect(lines.filter((line) => line.includes('rejected a command'))).toHaveLength(1);
  });

  describe('to a server that rejects calls', () => {
    const chargeScript = join(__dirname, '../../libs/limits/lua/charge-1.lua');
    const write = (redis: Redis) => {
      const script = redis.script(chargeScript);
      return (): Promise<RedisReply> => script(['k'], ['adjust', 'items', 1, 10]);
    };
    const later = (ms: number): void => {
      const now = performance.now();
      vi.spyOn(performance, 'now').mockImplementation(() => now + ms);
    };
    afterEach(() => {
      vi.restoreAllMocks();
    });

    it('is degraded from the first rejected call until 30 s without one', async () => {
      const { url, port } = await server({ arguments: ['--maxmemory', '1', '--maxmemory-policy', 'noeviction'] });
      const { redis, metrics, lines, echo } = await connect(url);
      const charge = write(redis);
      expect(redis.health()).toBe('up');
      for (let n = 0; n < 20; n += 1) {
        expect(await charge()).toEqual({ ok: false, sent: true });
        // A call that stores nothing is executed: it proves nothing.
        expect((await echo('a')).ok).toBe(true);
      }
      expect([redis.health(), await up(metrics), await errors(metrics, 'rejected')]).toEqual(['degraded', 0, 20]);
      await command(port, 'CONFIG SET maxmemory 0');
      expect((await charge()).ok).toBe(true);
      expect(redis.health()).toBe('degraded');
      later(30_000);
      expect((await charge()).ok).toBe(true);
      expect([redis.health(), await up(metrics)]).toEqual(['up', 1]);
      expect(lines).toEqual([
        'Redis is available',
        expect.stringMatching(/^Redis is degraded \(OOM /),
        'Redis is available',
      ]);
    });

    it('is degraded without permission', async () => {
      const { port } = await server({ arguments: ['--user', 'someone', 'on', '>s3cret', '~*', '+@all', '-hset'] });
      const { redis, metrics, lines } = await connect(`redis://someone:s3cret@127.0.0.1:${port}`);
      expect((await write(redis)()).ok).toBe(false);
      expect([redis.health(), await errors(metrics, 'rejected')]).toEqual(['degraded', 1]);
      expect(lines.at(-1)).toMatch(/^Redis is degraded .*(NOPERM|ACL|can't run this command)/);
      expect(lines.join()).not.toContain('s3cret');
    });

    it('is degraded if the server belongs to a cluster and REDIS_MODE does not say so', async () => {
      const { url } = await server({
        arguments: ['--cluster-enabled', 'yes', '--cluster-config-file', freeName()],
      });
      const { redis, lines } = await connect(url);
      expect((await write(redis)()).ok).toBe(false);
      expect(redis.health()).toBe('degraded');
      expect(lines.at(-1)).toMatch(/^Redis is degraded \(CLUSTERDOWN/);
    });

    it('connects again with growing pauses while the server is a replica, and uses it after its promotion', async () => {
      const { url, port } = await server();
      const { redis, lines } = await connect(url);
      const charge = write(redis);
      expect((await charge()).ok).toBe(true);
      await command(port, `REPLICAOF 127.0.0.1 ${await freePort()}`);
      let rejected = 0;
      const until = performance.now() + 2_000;
      while (performance.now() < until) {
        const reply = await charge();
        if (!reply.ok && reply.sent) rejected += 1;
        expect(reply.ok).toBe(false);
        expect(redis.health()).not.toBe('up');
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      // 100, 200, 400, 800 ms with jitter: some 5 connections, and one rejected call on each.
      expect(rejected).toBeGreaterThanOrEqual(2);
      expect(rejected).toBeLessThanOrEqual(8);
      expect(lines).toEqual(['Redis is available', expect.stringMatching(/^Redis is degraded \(READONLY/)]);
      await command(port, 'REPLICAOF NO ONE');
      await vi.waitFor(async () => {
        expect((await charge()).ok).toBe(true);
      }, RECOVERY);
    });
  });

  it('stays down if another kind of server listens on the port', async () => {
    const web: Server = createServer((socket) =>
      socket
        .on('error', () => undefined)
        .resume()
        .end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    );
    web.listen(0, '127.0.0.1');
    await once(web, 'listening');
    cleanUps.push(() => new Promise((resolve) => web.close(resolve)));
    const address = web.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const { redis, echo } = await connect(`redis://127.0.0.1:${String(port)}`);
    expect(redis.health()).toBe('down');
    expect(await echo('a')).toEqual(UNAVAILABLE);
  });

  it('finishes calls in flight before it closes', async () => {
    const { redis, echo } = await connect((await server()).url);
    const call = echo('a');
    await redis.close();
    expect(await call).toEqual({ ok: true, value: Buffer.from('a') });
    expect(await echo('b')).toEqual(UNAVAILABLE);
  });

  it('closes while Redis is paused', async () => {
    const hanging = await server();
    const { redis } = await connect(hanging.url);
    hanging.pause();
    await redis.close();
    expect(redis.health()).toBe('down');
  });
});

/** A file in the current folder of the server. */
function freeName(): string {
  return join(mkdtempSync(join(tmpdir(), 'redis-')), 'nodes.conf');
}

/** One command, without the library under test. */
async function command(port: number, line: string): Promise<void> {
  const { connect: open } = await import('node:net');
  const socket = open(port, '127.0.0.1');
  socket.write(`${line}\r\n`);
  await once(socket, 'data');
  socket.destroy();
}
