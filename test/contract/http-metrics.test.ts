import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Metrics } from '#libs/telemetry';
import type { ApiClient } from '../support/api.client';
import { startGateway, type TestGateway } from '../support/gateway';
import { rawCall, RawSocket } from '../support/raw.socket';

const UPDATE = '/v2/prism/:team/:object/batch/update';

let gateway: TestGateway;
let caller: ApiClient;

beforeAll(async () => {
  gateway = await startGateway();
  caller = await gateway.newCaller();
});

afterAll(() => gateway.close());

async function count(method: string, route: string, status: number): Promise<number> {
  const metric = await gateway.app.get(Metrics).registry.getSingleMetric('prism_http_requests_total')?.get();
  const found = metric?.values.find(
    ({ labels }) => labels.method === method && labels.route === route && labels.status === status,
  );
  return found?.value ?? 0;
}

/** A request is counted when its answer has left, which may be a moment after it has arrived. */
async function expectCounted(
  method: string,
  route: string,
  status: number,
  call: () => Promise<unknown>,
): Promise<void> {
  const before = await count(method, route, status);
  await call();
  await expect.poll(() => count(method, route, status)).toBe(before + 1);
}

describe('prism_http_requests_total', () => {
  it('counts by the pattern of the route, never by the path', async () => {
    const path = caller.path('organization/batch/update');
    await expectCounted('POST', UPDATE, 400, () => caller.call('POST', path, { body: {} }));
    await expectCounted('POST', UPDATE, 401, () => caller.call('POST', path, { headers: { 'x-api-key': '' } }));
    await expectCounted('HEAD', '/health/live', 200, () => caller.call('HEAD', '/health/live'));
  });

  it('counts what no route serves as unmatched', async () => {
    await expectCounted('GET', 'unmatched', 404, () => caller.call('GET', '/nowhere'));
    await expectCounted('other', 'unmatched', 404, () => caller.call('PROPFIND', '/nowhere'));
    await expectCounted('other', 'unmatched', 400, () => rawCall(gateway.url, 'no HTTP\r\n\r\n'));
  });

  it('counts a request whose caller left before the answer as 499', async () => {
    const head = `POST ${caller.path('organization/batch/update')} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json`;
    await expectCounted('POST', UPDATE, 499, async () => {
      const socket = await RawSocket.open(gateway.url);
      await socket.send(
        `${head}\r\nx-api-key: ${caller.credentials.apiKey}\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n`,
      );
      expect((await socket.answer()).status).toBe(100);
      socket.destroy();
    });
  });
});
