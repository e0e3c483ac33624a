import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Database } from '#libs/database';
import { Admission } from '#libs/limits';
import { AdminServer } from '#libs/program';
import { Instruments } from '#libs/telemetry';
import type { ApiResponse, ApiClient } from '../support/api.client';
import { startGateway, type TestGateway } from '../support/gateway';
import { RawSocket } from '../support/raw.socket';
import { Session } from '../support/session';

const queueWaitMs = 1_000;
const bodyBytes = 4_000;

let gateway: TestGateway;
/** Two clients of one team. */
let greedy: ApiClient;
let modest: ApiClient;
let session: Session;
let id: string;

beforeAll(async () => {
  gateway = await startGateway({
    settings: {
      DATABASE_POOL_SIZE: '1',
      LOCK_TIMEOUT_MS: '20000',
      ADMISSION_MAX_QUEUE_LENGTH: '3',
      ADMISSION_MAX_WAIT_MS: String(queueWaitMs),
      MAX_BODY_BYTES_IN_FLIGHT: String(bodyBytes),
    },
  });
  greedy = await gateway.newCaller({ client: 'greedy' });
  modest = await gateway.newCaller({ client: 'modest', teamId: greedy.teamId });
  session = await Session.open(gateway.databaseUrl);
});

afterAll(async () => {
  await session.close();
  await gateway.close();
});

/** The values of all series with these labels. */
async function values(name: string, labels: Record<string, unknown>): Promise<number[]> {
  const read = await gateway.app.get(Instruments).registry.getSingleMetric(name)?.get();
  return (read?.values ?? [])
    .filter((series) => Object.entries(labels).every(([label, wanted]) => series.labels[label] === wanted))
    .map(({ value }) => value);
}

async function metric(name: string, labels: Record<string, string> = {}): Promise<number> {
  const [value] = await values(name, labels);
  if (value === undefined) throw new Error(`there is no ${name} ${JSON.stringify(labels)}`);
  return value;
}

async function total(name: string, labels: Record<string, unknown>): Promise<number> {
  return (await values(name, labels)).reduce((sum, value) => sum + value, 0);
}

/** The waits of all requests together, in seconds. */
async function waited(): Promise<number> {
  const read = await gateway.app.get(Instruments).registry.getSingleMetric('prism_admission_wait_seconds')?.get();
  const sums = read?.values.filter((value) => 'metricName' in value && String(value.metricName).endsWith('_sum')) ?? [];
  return sums.reduce((sum, { value }) => sum + value, 0);
}

const waiting = (stage: string): Promise<number> => metric('prism_admission_queue_length', { stage });
const shed = (stage: string, reason: string): Promise<number> => metric('prism_requests_shed_total', { stage, reason });

function rename(caller: ApiClient, headers: Record<string, string> = {}): Promise<ApiResponse> {
  return caller.update([{ id, default: { name: 'Renamed' } }], undefined, headers);
}

function expectOverloaded({ status, headers, body }: ApiResponse): void {
  expect([status, body.error.code]).toEqual([503, 'unavailable']);
  expect(String(headers['retry-after'])).toMatch(/^[1-9]\d?$/);
  expect(Number(headers['retry-after'])).toBeLessThanOrEqual(60);
}

/** Caches both keys: no lookup waits for the only connection. */
beforeEach(async () => {
  id = await greedy.create();
  await modest.read(id);
});

describe('while the only connection is busy', () => {
  let inside: Promise<ApiResponse>;

  beforeEach(async () => {
    await session.hold(greedy.teamId, [id]);
    inside = rename(greedy);
    await expect.poll(() => metric('prism_admission_requests_in_flight')).toBe(1);
  });

  afterEach(async () => {
    await session.release();
    expect((await inside).status).toBe(200);
  });

  it('a request waits in the queue until it is admitted', async () => {
    const before = await waited();
    const patch = rename(greedy);
    await expect.poll(() => waiting('work')).toBe(1);
    await session.release();
    expect((await patch).status).toBe(200);
    expect(await waited()).toBeGreaterThan(before);
    expect(await waiting('work')).toBe(0);
  });

  it('a request that waits too long gets 503', async () => {
    const before = await shed('work', 'queue_wait');
    expectOverloaded(await rename(greedy));
    expect(await shed('work', 'queue_wait')).toBe(before + 1);
  });

  it('the wait is limited by the deadline', async () => {
    const patient = rename(greedy);
    await expect.poll(() => waiting('work')).toBe(1);
    // Its deadline is earlier than the end of the first one's wait of `queueWaitMs`.
    expectOverloaded(await rename(greedy, { 'x-request-timeout-ms': '400' }));
    expect(await waiting('work')).toBe(1);
    expectOverloaded(await patient);
  });

  it('a full queue sheds the latest request of the client with the most queued ones', async () => {
    const before = await shed('work', 'queue_full');
    const line = [rename(greedy), rename(greedy), rename(greedy)];
    await expect.poll(() => waiting('work')).toBe(3);
    const timedOut = await shed('work', 'queue_wait');
    const late = rename(modest);
    expectOverloaded(await Promise.race(line));
    expect([await shed('work', 'queue_full'), await shed('work', 'queue_wait')]).toEqual([before + 1, timedOut]);

    await session.release();
    expect((await late).status).toBe(200);
    expect((await Promise.all(line)).map(({ status }) => status).sort()).toEqual([200, 200, 503]);
  });

  it.each([
    ['list', 'GET', 'organization', undefined],
    ['query', 'POST', 'organization/query', { query: {} }],
    ['count', 'GET', 'organization/count', undefined],
    ['find by a value', 'GET', 'organization/by/primary_domain/acme.example', undefined],
  ])('a read waits in the queue as a write does: %s', async (_, method, path, body) => {
    const before = await shed('work', 'queue_wait');
    expectOverloaded(await modest.call(method, modest.path(path), body === undefined ? {} : { body }));
    expect(await shed('work', 'queue_wait')).toBe(before + 1);
  });

  it('clients are served in turn, however many requests one of them has queued', async () => {
    const order: string[] = [];
    const send = async (name: string, caller: ApiClient): Promise<void> => {
      const { status } = await rename(caller);
      order.push(`${name} ${status}`);
    };
    const all = [send('greedy', greedy)];
    await expect.poll(() => waiting('work')).toBe(1);
    all.push(send('greedy', greedy));
    await expect.poll(() => waiting('work')).toBe(2);
    all.push(send('modest', modest));
    await expect.poll(() => waiting('work')).toBe(3);
    await session.release();
    await Promise.all(all);
    expect(order).toEqual(['greedy 200', 'modest 200', 'greedy 200']);
  });

  it('a rejected request claims no Idempotency-Key', async () => {
    const key = { 'idempotency-key': `rejected-${id}` };
    expectOverloaded(await rename(greedy, key));
    await session.release();
    await inside;
    const { version } = await greedy.read(id);
    const first = await rename(greedy, key);
    expect([first.status, first.headers['idempotent-replay']]).toEqual([200, undefined]);
    expect((await rename(greedy, key)).headers['idempotent-replay']).toBe('true');
    expect((await greedy.read(id)).version).toBe(version + 1);
  });

  it.each([
    ['update', 'POST', 'deal/batch/update', { items: [{ id: 'one' }, { id: 'two' }] }, 2],
    ['delete', 'POST', 'deal/batch/delete', { ids: ['one', 'two', 'three'] }, 3],
    ['create', 'POST', 'deal', { default: {} }, 1],
    ['patch', 'PATCH', 'deal/an-id', { default: {} }, 1],
    ['upsert', 'PUT', 'deal/by/name/Acme', { default: {} }, 1],
    ['import', 'POST', 'deal/import', { objects: Array.from({ length: 250 }, () => 0) }, 250],
    ['batch', 'POST', 'deal/batch', { items: [{ op: 'create' }, { op: 'create' }] }, 2],
    ['delete', 'DELETE', 'deal/an-id', {}, 1],
    ['restore', 'POST', 'deal/an-id/restore', {}, 1],
    ['duplicate', 'POST', 'deal/an-id/duplicate', {}, 1],
  ])(
    'a request leaves the queue when its client disconnects, and is counted as canceled: %s',
    async (operation, method, path, body, n) => {
      const labels = { operation, object_type: 'deal', outcome: 'canceled' };
      const left = (): Promise<number> => total('prism_http_requests_total', { status: 499 });
      const canceled = (): Promise<number> => total('prism_batch_items_total', labels);
      const [leftBefore, canceledBefore] = [await left(), await canceled()];
      const socket = await RawSocket.open(gateway.url);
      const text = JSON.stringify(body);
      await socket.send(head(text.length, greedy, `${method} ${greedy.path(path)}`) + text);
      await expect.poll(() => waiting('work')).toBe(1);
      socket.destroy();
      await expect.poll(() => waiting('work')).toBe(0);
      expect([await left(), await canceled()]).toEqual([leftBefore + 1, canceledBefore + n]);
    },
  );

  it('a request whose deadline passes in the queue is not counted as canceled', async () => {
    const canceled = (): Promise<number> => total('prism_batch_items_total', { outcome: 'canceled' });
    const before = await canceled();
    expectOverloaded(await rename(greedy, { 'x-request-timeout-ms': '200' }));
    await expect.poll(() => waiting('work')).toBe(0);
    expect(await canceled()).toBe(before);
  });

  it('health and metrics endpoints respond', async () => {
    const line = [rename(greedy), rename(greedy), rename(greedy)];
    await expect.poll(() => waiting('work')).toBe(3);
    const adminServer = new AdminServer(gateway.app.get(Instruments));
    const port = await adminServer.start('127.0.0.1', 0);
    const responses = await Promise.all([
      greedy.call('GET', '/health/live'),
      greedy.call('GET', '/health/ready'),
      fetch(`http://127.0.0.1:${port}/metrics`),
    ]);
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await waiting('work')).toBe(3);
    await adminServer.close();
    await session.release();
    await Promise.all(line);
  });
});

it('while the only connection for data is busy, new keys and their definitions are loaded', async () => {
  const data = gateway.app.get(Database);
  let end = (): void => undefined;
  const busy = data.withClient(() => new Promise<void>((resolve) => (end = resolve)));
  await expect.poll(() => data.stats()).toMatchObject({ total: 1, idle: 0 });
  const fresh = await gateway.newCaller({ client: 'fresh' }); // of a new team
  const { status, text } = await fresh.call('GET', fresh.path('organization/properties'));
  expect(data.stats()).toMatchObject({ total: 1, idle: 0 });
  end();
  await busy;
  expect(status).toBe(200);
  expect(text).toContain('primary_domain');
});

it('a client that blocks all connections that it can leaves the last one to another client', async () => {
  const own = await startGateway({ settings: { DATABASE_POOL_SIZE: '3', LOCK_TIMEOUT_MS: '20000' } });
  const blocking = await own.newCaller({ client: 'greedy' });
  const other = await own.newCaller({ client: 'modest', teamId: blocking.teamId });
  const locks = await Session.open(own.databaseUrl);
  const [locked, free] = [await blocking.create(), await blocking.create()];
  await locks.hold(blocking.teamId, [locked]);
  const update = (caller: ApiClient, record: string) => caller.update([{ id: record, default: { name: 'Renamed' } }]);
  const gauge = async (name: string): Promise<number> => {
    const read = await own.app.get(Instruments).registry.getSingleMetric(name)?.get();
    return (read?.values ?? []).reduce((sum, { value }) => sum + value, 0);
  };
  const blocked = Array.from({ length: 5 }, () => update(blocking, locked));
  await expect.poll(() => gauge('prism_admission_queue_length')).toBe(3);
  expect(await gauge('prism_admission_requests_in_flight')).toBe(2);
  expect((await update(other, free)).status).toBe(200);
  await locks.release();
  expect((await Promise.all(blocked)).map(({ status }) => status)).toEqual(blocked.map(() => 200));
  await locks.close();
  await own.close();
});

function head(length: number, caller = greedy, line = `POST ${caller.path('organization/batch/update')}`): string {
  return [
    `${line} HTTP/1.1`,
    'host: gateway',
    'content-type: application/json',
    `x-api-key: ${caller.credentials.apiKey}`,
    `content-length: ${length}`,
    '',
    '',
  ].join('\r\n');
}

const held = (): Promise<number> => metric('prism_admission_body_bytes');

describe('request bodies that do not arrive', () => {
  const slow: RawSocket[] = [];

  /** Announces bodies and sends the first bytes of each. */
  async function announce(caller: ApiClient, length: number, sent: number, count = 1): Promise<void> {
    for (let n = 0; n < count; n += 1) {
      const socket = await RawSocket.open(gateway.url);
      slow.push(socket);
      await socket.send(head(length, caller) + ' '.repeat(sent));
    }
  }

  afterEach(() => {
    for (const socket of slow.splice(0)) socket.destroy();
  });

  it('reserve nothing if they are only announced', async () => {
    await Promise.all([announce(greedy, 2_000, 0, 20), announce(modest, 2_000, 0, 20)]);
    expect((await rename(greedy)).status).toBe(200);
    expect((await rename(modest)).status).toBe(200);
    expect([await held(), await waiting('body')]).toEqual([0, 0]);
  });

  it('reserve the bytes that have arrived', async () => {
    await announce(greedy, 2_000, 10);
    await expect.poll(held, { timeout: 10_000 }).toBe(10);
    await slow[0]?.send(' '.repeat(7));
    await expect.poll(held).toBe(17);
    await slow[0]?.send(`${' '.repeat(2_000 - 17 - 2)}{}`);
    expect((await slow[0]?.response())?.status).toBe(400);
  });

  it('of two clients leave capacity for a third', async () => {
    // Four bodies of `greedy` are half of the capacity; two of `modest` are half of the rest.
    await announce(greedy, 500, 499, 5);
    await expect.poll(() => waiting('body')).toBe(1);
    await announce(modest, 500, 499, 3);
    await expect.poll(() => waiting('body')).toBe(2);
    expect(await held()).toBeGreaterThanOrEqual(6 * 499);
    const late = await gateway.newCaller({ client: 'late', teamId: greedy.teamId });
    expect((await rename(late)).status).toBe(200);
  });
});

describe('while the capacity for bodies is used up', () => {
  const slow: RawSocket[] = [];

  /** Sends all of a body but its last byte. */
  async function sendMost(caller: ApiClient, length: number): Promise<RawSocket> {
    const socket = await RawSocket.open(gateway.url);
    slow.push(socket);
    await socket.send(head(length, caller) + ' '.repeat(length - 1));
    return socket;
  }

  beforeEach(async () => {
    await Promise.all([sendMost(greedy, bodyBytes / 2), sendMost(modest, bodyBytes / 2)]);
    await expect.poll(held).toBeGreaterThanOrEqual(bodyBytes - 2);
  });

  afterEach(() => {
    for (const socket of slow.splice(0)) socket.destroy();
  });

  it('another body is not read, and its request is rejected after the maximum wait', async () => {
    const before = await shed('body', 'queue_wait');
    expectOverloaded(await rename(greedy));
    expect(await shed('body', 'queue_wait')).toBe(before + 1);
  });

  it('a request whose deadline passes earlier is rejected as overload', async () => {
    expectOverloaded(await rename(greedy, { 'x-request-timeout-ms': '300' }));
  });

  it('a rejected large body leaves its connection usable', async () => {
    const socket = await RawSocket.open(gateway.url);
    slow.push(socket);
    await socket.send(head(200_000, greedy) + ' '.repeat(200_000));
    expect((await socket.response()).status).toBe(503);
    await socket.send('GET /health/live HTTP/1.1\r\nhost: gateway\r\n\r\n');
    expect((await socket.response()).status).toBe(200);
  });

  it('requests without a body are served', async () => {
    expect((await greedy.read(id)).version).toBe(1);
  });

  it('the next body is read as soon as capacity is free', async () => {
    const patch = rename(modest);
    await expect.poll(() => waiting('body')).toBe(1);
    slow[1]?.destroy();
    expect((await patch).status).toBe(200);
  });

  it('a client gets at most as much as stays free', async () => {
    slow[1]?.destroy();
    await expect.poll(held).toBeLessThanOrEqual(bodyBytes / 2);
    const patch = rename(greedy);
    await expect.poll(() => waiting('body')).toBe(1);
    expect((await rename(modest)).status).toBe(200);
    expectOverloaded(await patch);
  });

  it('a body over the size limit needs no capacity', async () => {
    const socket = await sendMost(greedy, 6_000_000);
    expect((await socket.response()).status).toBe(413);
  });
});

describe('while the event loop is delayed', () => {
  let sensitive: TestGateway;
  let caller: ApiClient;

  beforeAll(async () => {
    sensitive = await startGateway({
      databaseUrl: gateway.databaseUrl,
      settings: { MAX_EVENT_LOOP_DELAY_MS: '500' },
    });
    caller = await sensitive.newCaller();
  });

  afterAll(() => sensitive.close());

  const served = (): Promise<number> => caller.call('GET', caller.path('properties')).then(({ status }) => status);

  /** Blocks the event loop: the gateway runs in this process. */
  function block(ms: number): void {
    const until = performance.now() + ms;
    while (performance.now() < until);
  }

  async function clientIdOf({ teamId }: ApiClient): Promise<string> {
    const { rows } = await gateway.database.query<{ id: string }>('SELECT id FROM clients WHERE team_id = $1', [
      teamId,
    ]);
    return rows[0]?.id ?? '';
  }

  it('only requests of the client that delays it get 503, until it recovers', async () => {
    const unaffected = await sensitive.newCaller();
    await expect.poll(served, { timeout: 10_000 }).toBe(200);
    const clientId = await clientIdOf(caller);
    sensitive.app.get(Admission).cpu.measure(clientId, 'plan', () => {
      block(3_000);
    });
    const [rejected, other, health] = await Promise.all([
      caller.call('GET', caller.path('properties')),
      unaffected.call('GET', unaffected.path('properties')),
      caller.call('GET', '/health/live'),
    ]);
    expectOverloaded(rejected);
    expect(other.status).toBe(200);
    expect(health.status).toBe(200);
    const stalls = await sensitive.app
      .get(Instruments)
      .registry.getSingleMetricAsString('prism_event_loop_stalls_total');
    expect(stalls).toContain('prism_event_loop_stalls_total{stage="plan"} 1');
    const shedding = await sensitive.app.get(Instruments).registry.getSingleMetricAsString('prism_requests_shed_total');
    expect(shedding).toContain('prism_requests_shed_total{stage="body",reason="event_loop"} 1');
    await expect.poll(served, { timeout: 10_000, interval: 100 }).toBe(200);
  });

  it('requests are served if no client causes the delay', async () => {
    await expect.poll(served, { timeout: 10_000, interval: 100 }).toBe(200);
    block(3_000);
    expect(await served()).toBe(200);
  });
});
