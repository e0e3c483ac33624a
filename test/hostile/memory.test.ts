import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ApiClient } from '../support/api.client';
import { startGateway, type TestGateway } from '../support/gateway';
import { GatewayProcess } from '../support/gateway.process';

/** Three quarters of the default heap limit of Node in a container with 512 MiB. */
const HEAP_MEBIBYTES = 192;
const FIVE_MEGABYTES = 5_000_000;
const CALLERS = 16;

/** Creates the teams and keys of the tested gateway, which is a separate process. */
let gateway: TestGateway;
let caller: ApiClient;

beforeAll(async () => {
  gateway = await startGateway();
  caller = await gateway.newCaller();
});

afterAll(() => gateway.close());

function filledWith(value: string): string {
  const values = Array.from({ length: Math.floor(FIVE_MEGABYTES / (value.length + 1)) }, () => value);
  return `{"items":[${values.join(',')}]}`;
}

it.each([
  ['empty objects', '{}'],
  ['nested arrays', '[[[[[[[[0]]]]]]]]'],
])(
  'concurrent bodies of five megabytes of %s, which parsing makes 25 times as large, do not exhaust the heap',
  async (_, value) => {
    const victim = GatewayProcess.start({
      DATABASE_URL: gateway.databaseUrl,
      NODE_OPTIONS: `--max-old-space-size=${HEAP_MEBIBYTES}`,
    });
    const { api } = await victim.listening();
    const body = filledWith(value);
    const send = async (keyed: boolean): Promise<number> => {
      const response = await fetch(`${api}${caller.path('organization/batch/update')}`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-api-key': caller.credentials.apiKey,
          ...(keyed ? { 'idempotency-key': 'large' } : {}),
        },
        body,
      });
      await response.text();
      return response.status;
    };
    const statuses = await Promise.all(Array.from({ length: CALLERS }, (_, n) => send(n % 2 === 0)));
    expect(new Set([400, 503, ...statuses])).toEqual(new Set([400, 503]));
    expect(statuses).toContain(400);
    expect((await fetch(`${api}/health/ready`)).status).toBe(200);
  },
  60_000,
);
