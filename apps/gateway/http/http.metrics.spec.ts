import { describe, expect, it } from 'vitest';
import { ClientLabel } from '#libs/auth';
import { readSettings } from '#libs/config';
import { Instruments } from '#libs/telemetry';
import { HttpMetrics } from './http.metrics';

const span = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };

function createMetrics(environment: Record<string, string> = {}) {
  const instruments = new Instruments();
  const settings = readSettings({ DATABASE_URL: 'postgres://x', ...environment });
  const metrics = new HttpMetrics(instruments, settings, new ClientLabel(settings));
  return { instruments, metrics };
}

describe('HttpMetrics', () => {
  it('does not use the path or an unknown method as a label', async () => {
    const { instruments, metrics } = createMetrics();
    metrics.recordRequest('GET', '/v2/prism/:team/:object', 200, 0.01);
    metrics.recordRequest('PROPFIND', undefined, 404, 0.01);
    metrics.recordRequest('BREW', undefined, 404, 0.01);
    expect(Object.fromEntries(await instruments.samples('prism_http_requests_total'))).toEqual({
      '{method="GET",route="/v2/prism/:team/:object",status="200"}': 1,
      '{method="other",route="unmatched",status="404"}': 2,
    });
  });

  it('counts a request that the HTTP parser rejected, without a duration', async () => {
    const { instruments, metrics } = createMetrics();
    metrics.countUnparsed(400);
    expect(Object.fromEntries(await instruments.samples('prism_http_requests_total'))).toEqual({
      '{method="other",route="unmatched",status="400"}': 1,
    });
    expect((await instruments.samples('prism_http_request_duration_seconds')).size).toBe(0);
  });

  it('counts the requests of authenticated clients by name', async () => {
    const { instruments, metrics } = createMetrics();
    metrics.recordRequest('POST', '/v2/prism/:team/:object', 201, 0.02, 'billing');
    metrics.recordRequest('GET', '/health/live', 200, 0.001);
    expect(Object.fromEntries(await instruments.samples('prism_client_requests_total'))).toEqual({
      '{client="billing",status="201"}': 1,
    });
    const seconds = await instruments.samples('prism_client_request_duration_seconds');
    expect(seconds.get('_bucket{le="0.05",client="billing"}')).toBe(1);
  });

  it('combines the clients beyond METRICS_MAX_CLIENTS', async () => {
    const { instruments, metrics } = createMetrics({ METRICS_MAX_CLIENTS: '2' });
    for (const client of ['billing', 'crm', 'import', 'export', 'billing']) {
      metrics.recordRequest('GET', '/v2/prism/:team/:object', 200, 0.01, client);
    }
    expect(Object.fromEntries(await instruments.samples('prism_client_requests_total'))).toEqual({
      '{client="billing",status="200"}': 2,
      '{client="crm",status="200"}': 1,
      '{client="other",status="200"}': 2,
    });
  });

  it('starts the server errors of a route at 0', async () => {
    const { instruments, metrics } = createMetrics();
    metrics.startAtZero('GET', '/a');
    expect(Object.fromEntries(await instruments.samples('prism_http_requests_total'))).toEqual({
      '{method="GET",route="/a",status="500"}': 0,
      '{method="GET",route="/a",status="503"}': 0,
    });
    const seconds = await instruments.samples('prism_http_request_duration_seconds');
    expect(seconds.get('_count{method="GET",route="/a"}')).toBe(0);
  });

  it.each([
    [{}, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }, true],
  ])('adds exemplars only if traces are exported (%j)', async (environment, expected) => {
    const { instruments, metrics } = createMetrics(environment);
    metrics.startAtZero('GET', '/a');
    metrics.recordRequest('GET', '/a', 200, 0.03, undefined, span);
    metrics.recordRequest('GET', '/a', 200, 0.03, undefined, undefined);
    const { body } = await instruments.page('application/openmetrics-text');
    expect(body).toContain('prism_http_request_duration_seconds_bucket{le="0.05",method="GET",route="/a"} 2');
    expect(body.includes(span.traceId)).toBe(expected);
  });
});
