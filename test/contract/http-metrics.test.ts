import { describe, expect, it } from 'vitest';
import { Instruments } from '#libs/telemetry';
import { Lifecycle } from '../../apps/gateway/http/lifecycle';
import { startGateway } from '../support/gateway';
import { rawCall, RawSocket } from '../support/raw.socket';
import { useGateway } from '../support/gateway.hooks';

const UPDATE = '/v2/prism/:team/:object/batch/update';

const api = useGateway();

async function valueOf(name: string, labels: Record<string, string>): Promise<number | undefined> {
  const metric = await api.gateway.app.get(Instruments).registry.getSingleMetric(name)?.get();
  const found = metric?.values.find((sample) =>
    Object.entries(labels).every(([label, value]) => String(sample.labels[label]) === value),
  );
  return found?.value;
}

async function count(method: string, route: string, status: number): Promise<number> {
  const metric = await api.gateway.app.get(Instruments).registry.getSingleMetric('prism_http_requests_total')?.get();
  const found = metric?.values.find(
    ({ labels }) => labels.method === method && labels.route === route && labels.status === status,
  );
  return found?.value ?? 0;
}

/** A request is counted after its response was sent, which may be after the client has received it. */
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
  it('is labeled by the route pattern, never by the path', async () => {
    const path = api.caller.path('organization/batch/update');
    await expectCounted('POST', UPDATE, 400, () => api.caller.call('POST', path, { body: {} }));
    await expectCounted('POST', UPDATE, 401, () => api.caller.call('POST', path, { headers: { 'x-api-key': '' } }));
    await expectCounted('HEAD', '/health/live', 200, () => api.caller.call('HEAD', '/health/live'));
  });

  it('starts at 0 for server errors', async () => {
    const labels = { method: 'POST', route: '/v2/prism/:team/:object/batch/delete' };
    expect(await valueOf('prism_http_requests_total', { ...labels, status: '500' })).toBe(0);
    expect(await valueOf('prism_http_requests_total', { ...labels, status: '503' })).toBe(0);
  });

  it('counts unknown paths as unmatched', async () => {
    await expectCounted('GET', 'unmatched', 404, () => api.caller.call('GET', '/nowhere'));
    await expectCounted('other', 'unmatched', 404, () => api.caller.call('PROPFIND', '/nowhere'));
    await expectCounted('other', 'unmatched', 400, () => rawCall(api.gateway.url, 'no HTTP\r\n\r\n'));
  });

  it('counts a request whose client disconnected as 499', async () => {
    const head = `POST ${api.caller.path('organization/batch/update')} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json`;
    await expectCounted('POST', UPDATE, 499, async () => {
      const socket = await RawSocket.open(api.gateway.url);
      await socket.send(
        `${head}\r\nx-api-key: ${api.caller.credentials.apiKey}\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n`,
      );
      expect((await socket.response()).status).toBe(100);
      socket.destroy();
    });
  });
});

describe('prism_batch_items_total', () => {
  it('distinguishes canceled items from items that were not attempted', async () => {
    const items = [{ id: 'none' }, { id: await api.caller.create() }, { id: await api.caller.create() }];
    const labels = { operation: 'update', object_type: 'organization', code: 'not_attempted' };
    await api.caller.update(items, { on_error: 'stop' });
    expect(await valueOf('prism_batch_items_total', { ...labels, outcome: 'stopped' })).toBe(2);
    expect(await valueOf('prism_batch_items_total', { ...labels, outcome: 'error' })).toBe(0);
  });
});

describe('single writes', () => {
  it('count their item under their operation, and no batch', async () => {
    const batches = await valueOf('prism_batches_total', { operation: 'delete', result: 'all_ok' });
    const path = api.caller.path(`deal/${await api.caller.create({ default: { name: 'Deal' } }, 'deal')}`);
    await api.caller.call('POST', `${path}/duplicate`);
    await api.caller.call('DELETE', path);
    await api.caller.call('POST', `${path}/restore`);
    for (const operation of ['duplicate', 'delete', 'restore']) {
      const labels = { operation, object_type: 'deal', outcome: 'ok' };
      expect(await valueOf('prism_batch_items_total', labels), operation).toBe(1);
    }
    expect(await valueOf('prism_batches_total', { operation: 'delete', result: 'all_ok' })).toBe(batches);
  });
});

describe('prism_client_requests_total and prism_client_items_total', () => {
  it('are labeled by the name of the client', async () => {
    const crm = await api.gateway.newCaller({ client: 'crm' });
    const id = await crm.create();
    await crm.update([{ id, default: { name: 'B' } }, { id: 'none' }]);
    await expect.poll(() => valueOf('prism_client_requests_total', { client: 'crm', status: '200' })).toBe(1);
    expect(await valueOf('prism_client_items_total', { client: 'crm', outcome: 'ok', code: 'none' })).toBe(2);
    expect(await valueOf('prism_client_items_total', { client: 'crm', code: 'invalid_item' })).toBe(1);
  });
});

describe('prism_ready', () => {
  it('shows readiness without a request to the health endpoint', async () => {
    expect(await valueOf('prism_ready', {})).toBe(1);
    const draining = await startGateway({ databaseUrl: api.gateway.databaseUrl });
    draining.app.get(Lifecycle).drain();
    const ready = await draining.app.get(Instruments).registry.getSingleMetric('prism_ready')?.get();
    expect(ready?.values[0]?.value).toBe(0);
    await draining.close();
  });
});
