import { expect, it } from 'vitest';
import { GatewayProcess } from '../support/gateway.process';
import { useGateway } from '../support/gateway.hooks';

/** Three quarters of the default heap limit of Node in a container with 512 MiB. */
const HEAP_MEBIBYTES = 192;
const FIVE_MEGABYTES = 5_000_000;
const CALLERS = 16;

/** Has the database, the team and the key of the tested gateway, which is a separate process. */
const api = useGateway();

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
      DATABASE_URL: api.gateway.databaseUrl,
      NODE_OPTIONS: `--max-old-space-size=${HEAP_MEBIBYTES}`,
    });
    const { api: url } = await victim.listening();
    const body = filledWith(value);
    const send = async (keyed: boolean): Promise<number> => {
      const response = await fetch(`${url}${api.caller.path('organization/batch/update')}`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-api-key': api.caller.credentials.apiKey,
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
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
  },
  60_000,
);
