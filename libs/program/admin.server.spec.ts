import { Logger } from '@nestjs/common';
import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Instruments } from '#libs/telemetry';
import { AdminServer } from './admin.server';

describe('AdminServer', () => {
  let instruments: Instruments;
  let server: AdminServer;
  let base: string;

  beforeEach(async () => {
    instruments = new Instruments();
    server = new AdminServer(instruments);
    base = `http://127.0.0.1:${await server.start('127.0.0.1', 0)}`;
  });
  afterEach(() => server.close());

  it('serves the metrics in the Prometheus text format', async () => {
    instruments.counter('calls_total', 'Calls.', {}).inc();
    const response = await fetch(`${base}/metrics?name=x`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await response.text()).toContain('calls_total 1\n');
  });

  it.each([
    [false, 'application/openmetrics-text; version=1.0.0', 'text/plain; version=0.0.4; charset=utf-8'],
    [true, 'text/plain', 'text/plain; version=0.0.4; charset=utf-8'],
    [true, 'application/openmetrics-text; version=1.0.0', 'application/openmetrics-text; version=1.0.0; charset=utf-8'],
  ])(
    'serves exemplars if a metric has them (%s) and the client accepts OpenMetrics (%s)',
    async (exemplars, accept, type) => {
      const histogram = instruments.histogram('time_seconds', 'Time.', { route: 'text' }, [0.05], { exemplars });
      const labels = { route: '/a' };
      const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
      const exemplarLabels: Record<string, string> = { trace_id: traceId };
      if (exemplars) histogram.observe({ labels, value: 0.03, exemplarLabels });
      else histogram.observe(labels, 0.03);
      const response = await fetch(`${base}/metrics`, { headers: { accept } });
      expect(response.headers.get('content-type')).toBe(type);
      const text = await response.text();
      expect(text).toContain('time_seconds_bucket{le="0.05",route="/a"} 1');
      expect(text.includes(traceId)).toBe(type.startsWith('application/'));
    },
  );

  it('serves liveness', async () => {
    const response = await fetch(`${base}/health/live`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: 'ok' });
  });

  it.each([
    ['ok', 200],
    ['unavailable', 503],
  ] as const)('serves readiness if it has a check: %s is %i', async (status, code) => {
    expect((await fetch(`${base}/health/ready`)).status).toBe(404);
    const other = new AdminServer(instruments);
    const port = await other.start('127.0.0.1', 0, () => Promise.resolve({ status, checks: { postgres: 'up' } }));
    const response = await fetch(`http://127.0.0.1:${port}/health/ready`);
    expect(response.status).toBe(code);
    expect(await response.json()).toEqual({ status, checks: { postgres: 'up' } });
    await other.close();
  });

  it('responds to HEAD without a body', async () => {
    const response = await fetch(`${base}/metrics`, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
  });

  it('rejects other paths and methods with an error response', async () => {
    const missing = await fetch(`${base}/`);
    expect(missing.status).toBe(404);
    expect(await missing.json()).toMatchObject({ error: { code: 'not_found' } });
    const posted = await fetch(`${base}/metrics`, { method: 'POST', body: 'x' });
    expect(posted.status).toBe(405);
    expect(posted.headers.get('allow')).toBe('GET, HEAD');
    expect(await posted.json()).toMatchObject({ error: { code: 'method_not_allowed' } });
  });

  it('responds to a failed scrape with 500, and only the log has the message', async () => {
    const logged: unknown[] = [];
    const capture = (...line: unknown[]) => logged.push(...line);
    Logger.overrideLogger({ log: capture, error: capture, warn: capture });
    instruments.gauge('heat', 'Heat.', {}, () => {
      throw new Error('hunter2');
    });
    const response = await fetch(`${base}/metrics`);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('hunter2');
    expect(logged.join()).toContain('hunter2');
  });

  it('rejects a port that is in use, and accepts it after it is closed', async () => {
    const port = Number(new URL(base).port);
    const second = new AdminServer(instruments);
    await expect(second.start('127.0.0.1', port)).rejects.toThrow('EADDRINUSE');
    await second.close();
    await server.close();
    expect(await second.start('127.0.0.1', port)).toBe(port);
    await second.close();
  });

  it('closes while a client keeps its connection open', async () => {
    const idle = request(`${base}/metrics`, { method: 'POST' });
    const ended = new Promise((resolve) => idle.once('error', resolve));
    await new Promise<void>((resolve) => {
      idle.write('x', () => {
        resolve();
      });
    });
    await server.close();
    idle.destroy();
    await ended;
    await expect(fetch(`${base}/metrics`)).rejects.toThrow();
  });
});
