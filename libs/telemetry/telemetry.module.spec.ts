import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { expect, it } from 'vitest';
import { Metrics } from './metrics';
import { MetricsServer } from './metrics.server';
import { TelemetryModule } from './telemetry.module';

it('the admin port serves the metrics that are injected', async () => {
  Logger.overrideLogger(false);
  const context = await NestFactory.createApplicationContext(TelemetryModule);
  const server = context.get(MetricsServer);
  const port = await server.start('127.0.0.1', 0);
  context.get(Metrics).countIdempotency('stale');
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  expect(text).toContain('prism_idempotency_requests_total{result="stale"} 1');
  await server.close();
  await context.close();
});
