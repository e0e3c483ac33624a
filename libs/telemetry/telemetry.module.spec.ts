import { Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { expect, it } from 'vitest';
import { ConfigModule, readSettings } from '#libs/config';
import { Metrics } from './metrics';
import { MetricsServer } from './metrics.server';
import { TelemetryModule } from './telemetry.module';

const settings = readSettings({ DATABASE_URL: 'postgres://x', METRICS_MAX_CLIENTS: '0' });

@Module({ imports: [ConfigModule.of(settings), TelemetryModule] })
class App {}

it('the admin port serves the metrics that are injected, with as many clients as the settings say', async () => {
  Logger.overrideLogger(false);
  const context = await NestFactory.createApplicationContext(App);
  const server = context.get(MetricsServer);
  const port = await server.start('127.0.0.1', 0);
  context.get(Metrics).countIdempotency('stale');
  context.get(Metrics).countRequest('GET', undefined, 404, 0.01, 'billing');
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  expect(text).toContain('prism_idempotency_requests_total{result="stale"} 1');
  expect(text).toContain('prism_client_requests_total{client="other",status="404"} 1');
  await server.close();
  await context.close();
});
