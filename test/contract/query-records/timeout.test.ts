import { Agent, request } from 'undici';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Instruments } from '#libs/telemetry';
import type { ApiClient, ApiResponse } from '../../support/api.client';
import { startGateway, type TestGateway } from '../../support/gateway';
import { Session } from '../../support/session';

let gateway: TestGateway;
let caller: ApiClient;
const POLL = { timeout: 20_000 };
/** Locks the table, so that each query takes as long as it may. */
let blocker: Session;
/** In no transaction, in which the statistics would not change. */
let observer: Session;

beforeAll(async () => {
  gateway = await startGateway({ settings: { QUERY_TIMEOUT_MS: '200' } });
  caller = await gateway.newCaller();
  blocker = await Session.open(gateway.databaseUrl);
  observer = await Session.open(gateway.databaseUrl);
});
afterAll(async () => {
  await blocker.close();
  await observer.close();
  await gateway.close();
});
beforeEach(async () => {
  // The definitions are read before.
  await caller.call('GET', caller.path('organization'));
});

async function whileBlocked<T>(run: () => Promise<T>): Promise<T> {
  await blocker.query('BEGIN');
  await blocker.query('LOCK TABLE records IN ACCESS EXCLUSIVE MODE');
  try {
    return await run();
  } finally {
    await blocker.query('ROLLBACK');
  }
}

function query(body: object, headers: Record<string, string> = {}): Promise<ApiResponse> {
  return caller.call('POST', caller.path('organization/query'), { body, headers });
}

/** The number of statements of gateways that wait for the lock. */
function waiting(): Promise<number> {
  return observer.lockWaiters();
}

describe('a query that uses up QUERY_TIMEOUT_MS', () => {
  it('is invalid if no index serves it, and says what to do', async () => {
    const specification = { select: ['name'], filter: [{ OR: [{ stage: { '=': 'won' } }] }], sort: [{ name: 'asc' }] };
    const { status, body } = await whileBlocked(() => query({ query: specification }));
    expect(status).toBe(400);
    expect(body.error.errors).toEqual([{ field: '.body.query', code: 'query_timeout', message: expect.any(String) }]);
    expect(body.error.message).toMatch(/200 ms.*no index serves stage, name.*created_at/);
  });

  it('is invalid for the query string and the count of a list, too', async () => {
    for (const path of ['organization?stage=won', 'organization/count?list_id=182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e']) {
      const { status, body } = await whileBlocked(() => caller.call('GET', caller.path(path)));
      expect([status, body.error.errors?.[0].code], path).toEqual([400, 'query_timeout']);
    }
  });

  it('is unavailable if an index serves it', async () => {
    const paths = [
      'organization',
      'organization/count',
      'organization?sort=created_at',
      `organization?id=${caller.teamId}`,
    ];
    for (const path of paths) {
      const { status, body, headers } = await whileBlocked(() => caller.call('GET', caller.path(path)));
      expect([status, body.error.code], path).toEqual([503, 'unavailable']);
      expect(headers['retry-after']).toBe('1');
    }
  });

  it('is counted, ends in Postgres, and holds nothing afterwards', async () => {
    const counted = async (): Promise<number> => {
      const metric = await gateway.app.get(Instruments).registry.getSingleMetric('prism_query_timeouts_total')?.get();
      return metric?.values.find(({ labels }) => labels.operation === 'query')?.value ?? -1;
    };
    const before = await counted();
    await whileBlocked(async () => {
      expect((await query({ query: { select: ['name'] } })).status).toBe(503);
      await expect.poll(waiting, POLL).toBe(0);
    });
    expect(await counted()).toBe(before + 1);
    expect((await query({ query: { select: ['name'] } })).status).toBe(200);
  });
});

it('a query that uses up the deadline of its request is unavailable', async () => {
  const specification = { select: ['name'], filter: [{ stage: { '=': 'won' } }] };
  const { status, body } = await whileBlocked(() => query({ query: specification }, { 'x-request-timeout-ms': '150' }));
  expect([status, body.error.code]).toEqual([503, 'unavailable']);
});

it('a query whose client disconnects is canceled', async () => {
  const withDefaultTimeout = await startGateway({ databaseUrl: gateway.databaseUrl });
  // Of this test alone, so that no connection outlives it.
  const dispatcher = new Agent();
  try {
    await whileBlocked(async () => {
      const controller = new AbortController();
      const call = request(`${withDefaultTimeout.url}${caller.path('organization')}`, {
        dispatcher,
        headers: { 'x-api-key': caller.credentials.apiKey },
        signal: controller.signal,
      });
      const aborted = expect(call).rejects.toThrow(/abort/);
      await expect.poll(waiting, POLL).toBe(1);
      controller.abort();
      await aborted;
      await expect.poll(waiting, POLL).toBe(0);
    });
  } finally {
    await dispatcher.destroy();
    await withDefaultTimeout.close();
  }
});
