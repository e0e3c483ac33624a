import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GatewayProcess } from '../support/gateway.process';
import { freePort } from '../support/free.port';
import { type TracedGatewayProcess, TracedEnvironment, traceIdOf } from '../support/traced.gateway';

const ROUNDS = 25;

let environment: TracedEnvironment;

beforeAll(async () => {
  environment = await TracedEnvironment.create();
});
afterAll(() => environment.drop());

/** Sends requests in rounds. If each round waited for an export, they would exceed the timeout of the test. */
async function expectServed({ send }: TracedGatewayProcess, requests: number): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const calls = Array.from({ length: requests / ROUNDS }, () => send('GET', environment.path(`/${randomUUID()}`)));
    expect(new Set((await Promise.all(calls)).map(({ status }) => status))).toEqual(new Set([404]));
  }
}

async function lost({ admin }: TracedGatewayProcess, reason: string): Promise<number> {
  const text = await (await fetch(`${admin}/metrics`)).text();
  return Number(new RegExp(`^prism_trace_spans_lost_total\\{reason="${reason}"\\} (\\d+)$`, 'm').exec(text)?.[1]);
}

describe('spans', () => {
  it('are exported before the process exits', async () => {
    const gateway = await environment.startProcess();
    const response = await gateway.send('GET', environment.path(`/${randomUUID()}`));
    gateway.gateway.signal('SIGTERM');
    expect(await gateway.gateway.exit()).toBe(0);
    expect(gateway.collector.spans.map(({ traceId }) => traceId)).toContain(traceIdOf(response));
  });

  it('are posted as JSON, with the configured headers, which are not logged', async () => {
    const gateway = await environment.startProcess({
      LOG_LEVEL: 'trace',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20t0ken,tenant=a',
      OTEL_SERVICE_NAME: 'records',
    });
    const { collector, send } = gateway;
    await collector.trace(traceIdOf(await send('GET', '/openapi.json')));
    expect(collector.requests[0]).toMatchObject({
      method: 'POST',
      url: '/v1/traces',
      headers: { 'content-type': 'application/json', authorization: 'Bearer t0ken', tenant: 'a' },
    });
    expect(collector.resource['service.name']).toBe('records');
    expect(collector.bodies.join() + gateway.gateway.stdout + gateway.gateway.stderr).not.toContain('t0ken');
  });
});

describe('a collector that', () => {
  it('is unavailable delays no request: lost spans are counted, and logged once', async () => {
    const gateway = await environment.startProcess({
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}`,
    });
    await expectServed(gateway, 50);
    await expect.poll(() => lost(gateway, 'export_failed'), { timeout: 20_000 }).toBeGreaterThanOrEqual(50);
    const lines = gateway.gateway.lines.filter(({ msg }) => msg.startsWith('spans were lost'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ level: 'warn', msg: 'spans were lost: export_failed' });
  });

  it('responds 500 delays no request: lost spans are counted', async () => {
    const gateway = await environment.startProcess();
    gateway.collector.behavior = (response) => response.writeHead(500).end('a long story');
    await expectServed(gateway, 50);
    await expect.poll(() => lost(gateway, 'export_failed'), { timeout: 10_000 }).toBeGreaterThanOrEqual(50);
    expect(gateway.gateway.stdout).not.toContain('a long story');
  });

  it('never responds delays neither requests nor the exit', async () => {
    const gateway = await environment.startProcess();
    gateway.collector.behavior = () => undefined;
    await expectServed(gateway, 50);
    gateway.gateway.signal('SIGTERM');
    expect(await gateway.gateway.exit()).toBe(0);
  });
});

describe('without an endpoint', () => {
  /** Packages except the API, which prom-client uses too. */
  const loads = ({ stderr }: GatewayProcess): boolean => /@opentelemetry\/(?!api\b)/.test(stderr);

  it('neither SDK nor exporter is loaded, and no response has a trace header', async () => {
    // Node then logs every loaded module.
    const traced = await environment.startProcess({ NODE_DEBUG: 'module' });
    await traced.send('GET', '/openapi.json');
    await expect.poll(() => loads(traced.gateway), { timeout: 10_000 }).toBe(true);

    const gateway = await environment.startProcess({ NODE_DEBUG: 'module', OTEL_EXPORTER_OTLP_ENDPOINT: '' });
    const response = await gateway.send('GET', environment.path(`/${randomUUID()}`), undefined, {
      traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    });
    expect(response.status).toBe(404);
    expect(response.headers.get('traceresponse')).toBeNull();
    gateway.gateway.signal('SIGTERM');
    await gateway.gateway.exit();
    expect(gateway.gateway.stderr).toContain('fastify');
    expect(loads(gateway.gateway)).toBe(false);
  });
});
