import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database';
import { GatewayProcess } from '../support/gateway.process';
import { RawSocket } from '../support/raw.socket';

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase();
});

afterAll(() => database.drop());

function start(env: Record<string, string> = {}): GatewayProcess {
  return GatewayProcess.start({ DATABASE_URL: database.url, ...env });
}

describe('the gateway process', () => {
  it('logs its ports, and serves the API and the metrics there', async () => {
    const gateway = start();
    const { api, admin } = await gateway.listening();
    expect((await fetch(`${api}/health/ready`)).status).toBe(200);
    expect((await fetch(`${admin}/metrics`)).status).toBe(200);
    expect((await fetch(`${api}/metrics`)).status).toBe(404);
  });

  it('logs one line per request, with its id and outcome and without its API key', async () => {
    const gateway = start();
    const { api } = await gateway.listening();
    const headers = { 'x-api-key': 'prism_secret', 'x-request-id': 'my-request' };
    await fetch(`${api}/v2/prism/x/organization/batch/update`, { method: 'POST', headers });
    expect(await gateway.line('request')).toMatchObject({
      level: 'info',
      request_id: 'my-request',
      method: 'POST',
      route: '/v2/prism/:team/:object/batch/update',
      status: 403,
      duration_ms: expect.any(Number) as number,
    });
    expect(gateway.stdout).not.toContain('prism_secret');
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('exits with 0 on %s', async (signal) => {
    const gateway = start();
    const { api, admin } = await gateway.listening();
    gateway.signal(signal);
    expect(await gateway.exit()).toBe(0);
    expect(gateway.lines.at(-1)?.msg).toBe('stopped');
    await expect(fetch(api)).rejects.toThrow();
    await expect(fetch(admin)).rejects.toThrow();
  });

  it('serves during the drain delay, and exits at once on a second signal', async () => {
    const gateway = start({ DRAIN_DELAY_MS: '60000' });
    const { api } = await gateway.listening();
    gateway.signal('SIGTERM');
    await gateway.line('stopping');
    expect((await fetch(`${api}/health/ready`)).status).toBe(503);
    expect((await fetch(`${api}/health/live`)).status).toBe(200);
    gateway.signal('SIGINT');
    expect(await gateway.exit()).toBe(130);
  });

  it('exits although an idle connection is open', async () => {
    const gateway = start();
    const { api } = await gateway.listening();
    const silent = await RawSocket.open(api);
    gateway.signal('SIGTERM');
    expect(await gateway.exit()).toBe(0);
    expect(await silent.end()).toBe('');
  });

  it('starts without Postgres and is not ready', async () => {
    const gateway = start({ DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing' });
    const { api } = await gateway.listening();
    expect((await fetch(`${api}/health/live`)).status).toBe(200);
    expect((await fetch(`${api}/health/ready`)).status).toBe(503);
  });

  it('reports every invalid setting on standard error, without a stack, and exits with 1', async () => {
    const gateway = start({ DATABASE_URL: '', PORT: 'many' });
    expect(await gateway.exit()).toBe(1);
    expect(gateway.stderr).toContain('DATABASE_URL');
    expect(gateway.stderr).toContain('PORT');
    expect(gateway.stderr).not.toMatch(/\n\s+at /);
    expect(gateway.stdout).toBe('');
  });

  it('exits with 1 and a reason if its port is in use', async () => {
    const first = start();
    const { api } = await first.listening();
    const second = start({ PORT: new URL(api).port });
    expect(await second.exit()).toBe(1);
    expect(second.lines.at(-1)).toMatchObject({ level: 'fatal', err: { code: 'EADDRINUSE' } });
  });
});
