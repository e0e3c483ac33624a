// @module-tag redis-server
import { randomUUID } from 'node:crypto';
import { type AddressInfo, connect as openSocket } from 'node:net';
import { once } from 'node:events';
import { Controller, HttpCode, Inject, Logger, Module, Post, Req, Res } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConfigModule, readSettings } from '#libs/config';
import { Database, DatabaseModule } from '#libs/database';
import { IdempotencyModule, IdempotencyService, type LedgerKey, type WriteResponse } from '#libs/idempotency';
import { Deadline } from '#libs/limits';
import { RequestError, ErrorFilter } from '#libs/errors';
import { Redis } from '#libs/redis';
import { Instruments, TelemetryModule } from '#libs/telemetry';
import { idempotencyKeyHeader, renderWriteResponse } from '../../apps/gateway/http/write.handler';
import { createDatabase, type TestDatabase } from '../support/database';
import { type RedisServer, startRedis } from '../support/redis.server';

const TEAM = randomUUID();
const PATH = `/v2/prism/${TEAM}/things`;
const RECOVERY = { timeout: 10_000, interval: 20 };

/** The work of the handler, and the number of its calls. */
class Work {
  calls = 0;
  execute: (call: LedgerKey | undefined) => Promise<WriteResponse> | WriteResponse = done;
}

@Controller('v2/prism/:team/things')
class ThingsController {
  constructor(
    @Inject(Work) private readonly work: Work,
    @Inject(IdempotencyService) private readonly idempotency: IdempotencyService,
  ) {}

  @Post()
  @HttpCode(200)
  async handle(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    const { id: requestId, method, url, headers, body } = request;
    const response = await this.idempotency.run(
      {
        ...{ client: { teamId: TEAM, clientId }, requestId, keyHeader: idempotencyKeyHeader(request) },
        ...{ method, url, ifMatch: headers['if-match'], body, deadline: Deadline.in(budgetMs) },
        compute: (_stage, step) => {
          while (step());
          return Promise.resolve();
        },
      },
      (key) => {
        this.work.calls += 1;
        return this.work.execute(key);
      },
    );
    return renderWriteResponse(reply, response);
  }
}

let redisServer: RedisServer;
let database: TestDatabase;
let app: NestFastifyApplication;
let work: Work;
let db: Database;
let metrics: Instruments;
let clientId: string;
let budgetMs: number;
let key: string;

beforeAll(async () => {
  [redisServer, database] = await Promise.all([startRedis(), createDatabase()]);
  const settings = readSettings({ DATABASE_URL: database.url, REDIS_URL: redisServer.url });

  @Module({
    imports: [ConfigModule.of(settings), TelemetryModule, DatabaseModule.of(settings), IdempotencyModule],
    controllers: [ThingsController],
    providers: [Work, { provide: APP_FILTER, useClass: ErrorFilter }],
  })
  class TestModule {}

  Logger.overrideLogger(false);
  const adapter = new FastifyAdapter();
  app = await NestFactory.create<NestFastifyApplication>(TestModule, adapter);
  await app.listen(0, '127.0.0.1');
  work = app.get(Work);
  db = app.get(Database);
  metrics = app.get(Instruments);
});

afterAll(async () => {
  await app.close();
  await redisServer.kill();
  await database.drop();
});

beforeEach(() => {
  work.calls = 0;
  work.execute = done;
  clientId = randomUUID();
  budgetMs = 10_000;
  key = randomUUID();
});

afterEach(async () => {
  redisServer.resume();
  await redisBack();
});

async function redisBack(): Promise<void> {
  await vi.waitFor(() => {
    expect(app.get(Redis, { strict: false }).health()).toBe('up');
  }, RECOVERY);
}

/** The response of a handler that stored a complete request in the ledger. */
async function done(call: LedgerKey | undefined): Promise<WriteResponse> {
  if (call) await writeLedger(call);
  const body = `{"made": ${work.calls}}`;
  return {
    status: 201,
    headers: { etag: '"1"', location: '/v2/prism/a' },
    body,
    cacheable: { body },
    replayed: false,
    resumed: false,
  };
}

async function writeLedger(call: LedgerKey, complete = true): Promise<void> {
  await db.query(
    `INSERT INTO idempotency_requests (team_id, client_id, key_hash, fingerprint, item_count, day, complete)
     VALUES ($1, $2, $3, $4, 1, current_date, $5)
     ON CONFLICT (team_id, client_id, key_hash) DO UPDATE SET complete = EXCLUDED.complete`,
    [TEAM, clientId, call.keyHash, call.fingerprint, complete],
  );
}

interface Reply {
  status: number;
  headers: Headers;
  body: string;
}

async function post(
  body: unknown,
  headers: Record<string, string> = { 'idempotency-key': key },
  query = '',
): Promise<Reply> {
  const { port } = app.getHttpServer().address() as AddressInfo; // it listens on TCP
  const response = await fetch(`http://127.0.0.1:${port}${PATH}${query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, body: await response.text() };
}

function codeOf({ body }: Reply): unknown {
  return (JSON.parse(body) as { error?: { code?: string } }).error?.code;
}

async function redisTimeouts(): Promise<number> {
  const metric = await metrics.registry.getSingleMetric('prism_redis_errors_total')?.get();
  return metric?.values.find(({ labels }) => labels.kind === 'timeout')?.value ?? 0;
}

async function counted(result: string): Promise<number> {
  const metric = await metrics.registry.getSingleMetric('prism_idempotency_requests_total')?.get();
  return metric?.values.find(({ labels }) => labels.result === result)?.value ?? 0;
}

/** Makes the handler wait until `open` is called. */
function gate(): { reached: Promise<void>; open: () => void } {
  let reach = (): void => undefined;
  let open = (): void => undefined;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const opened = new Promise<void>((resolve) => (open = resolve));
  work.execute = async (call) => {
    reach();
    await opened;
    return done(call);
  };
  return { reached, open };
}

describe('a request with a key', () => {
  it('is executed once and replayed byte for byte', async () => {
    const [executed, replayed] = [await counted('executed'), await counted('replayed_cache')];
    const first = await post({ a: 1, b: [2] });
    expect(first).toMatchObject({ status: 201, body: '{"made": 1}' });
    expect(first.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(first.headers.get('idempotent-replay')).toBeNull();

    const second = await post({ b: [2], a: 1 }, { 'idempotency-key': `"${key}"` });
    expect(second).toMatchObject({ status: 201, body: first.body });
    for (const name of ['etag', 'location', 'content-type']) {
      expect(second.headers.get(name)).toBe(first.headers.get(name));
    }
    expect(second.headers.get('idempotent-replay')).toBe('true');
    expect(work.calls).toBe(1);
    expect(await counted('executed')).toBe(executed + 1);
    expect(await counted('replayed_cache')).toBe(replayed + 1);
  });

  it('is stored without marks of how its response was produced', async () => {
    work.execute = async (call) => ({
      ...(await done(call)),
      body: '{"replayed": true}',
      cacheable: { body: '{}' },
      resumed: true,
    });
    const resumed = await counted('resumed');
    expect((await post({})).body).toBe('{"replayed": true}');
    expect((await post({})).body).toBe('{}');
    expect(await counted('resumed')).toBe(resumed + 1);
  });

  it('that is replayed from the ledger is marked, and cached', async () => {
    work.execute = async (call) => ({ ...(await done(call)), replayed: true });
    const replayed = await counted('replayed_ledger');
    expect((await post({})).headers.get('idempotent-replay')).toBe('true');
    expect((await post({})).headers.get('idempotent-replay')).toBe('true');
    expect(work.calls).toBe(1);
    expect(await counted('replayed_ledger')).toBe(replayed + 1);
  });

  it('that is incomplete is executed again', async () => {
    work.execute = async (call) => ({ ...(await done(call)), cacheable: undefined });
    await post({});
    await post({});
    expect(work.calls).toBe(2);
  });

  it.each(['invalid_request', 'payload_too_large', 'rate_limited', 'unavailable', 'internal'] as const)(
    'that ends in %s does not keep its key',
    async (code) => {
      work.execute = () => {
        throw new RequestError(code);
      };
      expect(codeOf(await post({ a: 1 }))).toBe(code);
      work.execute = done;
      expect((await post({ a: 2 })).status).toBe(201);
    },
  );

  it('gets a retry time while the first attempt runs', async () => {
    const inUse = await counted('in_use');
    const { reached, open } = gate();
    const first = post({ a: 1 });
    await reached;
    const second = await post({ a: 1 });
    expect(second.status).toBe(409);
    expect(codeOf(second)).toBe('idempotency_key_in_use');
    expect(second.headers.get('retry-after')).toMatch(/^[123]$/);
    expect(second.headers.get('x-should-retry')).toBe('true');
    open();
    expect((await first).status).toBe(201);
    expect((await post({ a: 1 })).headers.get('idempotent-replay')).toBe('true');
    expect(work.calls).toBe(1);
    expect(await counted('in_use')).toBe(inUse + 1);
  });

  it('with another body is a mismatch, even while the first one runs, and the first one still replays', async () => {
    const mismatches = await counted('mismatch');
    const { reached, open } = gate();
    const first = post({ a: 1 });
    await reached;
    const during = await post({ a: 2 });
    open();
    const original = await first;
    const after = await post({ a: 2 });
    for (const mismatch of [during, after]) {
      expect(mismatch.status).toBe(409);
      expect(codeOf(mismatch)).toBe('idempotency_key_mismatch');
      expect(mismatch.headers.get('x-should-retry')).toBe('false');
      expect(mismatch.headers.get('retry-after')).toBeNull();
    }
    expect((await post({ a: 1 })).body).toBe(original.body);
    expect(await counted('mismatch')).toBe(mismatches + 2);
  });

  it('of another client is another request', async () => {
    await post({ a: 1 });
    clientId = randomUUID();
    expect((await post({ a: 2 })).status).toBe(201);
    expect(work.calls).toBe(2);
  });

  it('is counted by the result that the ledger finds', async () => {
    const [mismatches, stale] = [await counted('mismatch'), await counted('stale')];
    work.execute = () => {
      throw new RequestError('idempotency_key_mismatch');
    };
    await post({});
    work.execute = () => {
      throw new RequestError('idempotency_key_stale');
    };
    await post({});
    expect(await counted('mismatch')).toBe(mismatches + 1);
    expect(await counted('stale')).toBe(stale + 1);
  });

  it('with an invalid key is rejected and not executed', async () => {
    const rejected = await post({}, { 'idempotency-key': '"open' });
    expect(rejected.status).toBe(400);
    expect(JSON.parse(rejected.body)).toMatchObject({
      error: { code: 'invalid_request', errors: [{ field: '.header.idempotency-key', code: 'quoted_string' }] },
    });
    expect(work.calls).toBe(0);
  });

  it('with two keys is rejected, even if both are equal', async () => {
    const { port } = app.getHttpServer().address() as AddressInfo; // it listens on TCP
    const socket = openSocket(port, '127.0.0.1');
    socket.write(
      `POST ${PATH} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json\r\n` +
        `Idempotency-Key: a\r\nidempotency-key: a\r\ncontent-length: 2\r\n\r\n{}`,
    );
    let response = '';
    socket.on('data', (chunk: Buffer) => (response += chunk.toString()));
    await once(socket, 'end');
    expect(response).toMatch(/^HTTP\/1.1 400 /);
    expect(work.calls).toBe(0);
  });

  it('that is a dry run does not claim its key', async () => {
    const seen: unknown[] = [];
    work.execute = (call) => {
      seen.push(call);
      return { status: 200, headers: {}, body: '{}', cacheable: undefined, replayed: false, resumed: false };
    };
    const dry = { options: { dry_run: true } };
    await post(dry);
    await post(dry);
    expect(seen).toEqual([undefined, undefined]);
    work.execute = done;
    expect((await post({ options: { dry_run: false } })).body).toBe('{"made": 3}');
  });
});

describe('a request without a key', () => {
  it('is executed each time', async () => {
    expect((await post({}, {})).body).toBe('{"made": 1}');
    const second = await post({}, {});
    expect(second).toMatchObject({ status: 201, body: '{"made": 2}' });
    expect(second.headers.get('idempotent-replay')).toBeNull();
  });
});

describe('a response cached in Redis', () => {
  it('is not used if a restored Postgres lacks the request, which is executed', async () => {
    await post({});
    await db.query('DELETE FROM idempotency_requests WHERE team_id = $1', [TEAM]);
    const again = await post({});
    expect(again.body).toBe('{"made": 2}');
    expect(again.headers.get('idempotent-replay')).toBeNull();
    expect((await post({})).body).toBe('{"made": 2}');
    expect(work.calls).toBe(2);
  });

  it('is not used if a restored Postgres has an incomplete request', async () => {
    await post({});
    await db.query('UPDATE idempotency_requests SET complete = false WHERE team_id = $1', [TEAM]);
    expect((await post({})).body).toBe('{"made": 2}');
  });

  it('is not used after the lifetime of its key, which is stale and then new', async () => {
    const stale = await counted('stale');
    await post({});
    const age = (interval: string): Promise<unknown> =>
      db.query('UPDATE idempotency_requests SET created_at = now() - $2::interval WHERE team_id = $1', [
        TEAM,
        interval,
      ]);
    await age('86401 s');
    const rejected = await post({});
    expect(rejected.status).toBe(409);
    expect(codeOf(rejected)).toBe('idempotency_key_stale');
    expect(rejected.headers.get('x-should-retry')).toBe('false');
    expect(await counted('stale')).toBe(stale + 1);
    await age('8 days 1 s');
    expect((await post({})).body).toBe('{"made": 2}');
  });
});

describe('with a key, while Redis', () => {
  it('is paused, every request gets a response, and none is replayed from Redis', async () => {
    await post({});
    const timeouts = await redisTimeouts();
    redisServer.pause();
    for (let n = 0; n < 5; n++) expect((await post({})).status).toBe(201);
    // Only one call waited for Redis.
    expect(await redisTimeouts()).toBe(timeouts + 1);
    expect(work.calls).toBe(6);
  });

  it('is paused at the claim, the response is sent, and the late claim blocks no later request', async () => {
    redisServer.pause();
    expect((await post({})).status).toBe(201);
    redisServer.resume();
    await redisBack();
    expect((await post({})).status).toBe(201);
    expect((await post({})).headers.get('idempotent-replay')).toBe('true');
  });

  it('is paused after the claim, the response is sent, and the claim blocks no later request', async () => {
    work.execute = (call) => {
      redisServer.pause();
      return done(call);
    };
    expect((await post({})).status).toBe(201);
    work.execute = done;
    redisServer.resume();
    await redisBack();
    expect((await post({})).status).toBe(201);
    expect((await post({})).headers.get('idempotent-replay')).toBe('true');
  });

  it('is killed after the claim, the response is sent, and the key works after a restart', async () => {
    const { reached, open } = gate();
    const first = post({});
    await reached;
    await redisServer.kill();
    open();
    expect((await first).status).toBe(201);
    redisServer = await startRedis({ port: redisServer.port });
    await redisBack();
    expect((await post({})).status).toBe(201);
    expect((await post({})).headers.get('idempotent-replay')).toBe('true');
  });

  it('has expired the claim of a late request, the next one runs and stores its own response', async () => {
    budgetMs = 100;
    const { reached, open } = gate();
    const slow = post({});
    await reached;
    budgetMs = 10_000;
    work.execute = async (call) => ({ ...(await done(call)), cacheable: { body: '{"by": "the second"}' } });
    await vi.waitFor(async () => {
      expect((await post({})).status).toBe(201);
    }, RECOVERY);
    open();
    await slow;
    expect((await post({})).body).toBe('{"by": "the second"}');
  });
});

it('executes one of 50 identical concurrent requests', async () => {
  const { reached, open } = gate();
  const replies = Array.from({ length: 50 }, () => post({}));
  await reached;
  const first = await Promise.race(replies);
  expect(codeOf(first)).toBe('idempotency_key_in_use');
  open();
  const statuses = (await Promise.all(replies)).map(({ status }) => status);
  expect(statuses.filter((status) => status === 201).length).toBeGreaterThanOrEqual(1);
  expect(work.calls).toBe(1);
});
