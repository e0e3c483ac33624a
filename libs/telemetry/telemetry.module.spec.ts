import { Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { expect, it } from 'vitest';
import { ConfigModule, readSettings } from '#libs/config';
import { Instruments } from './instruments';
import { MetricsServer } from './metrics.server';
import { TelemetryModule, TracingModule } from './telemetry.module';

const settings = readSettings({ DATABASE_URL: 'postgres://x' });

@Module({ imports: [ConfigModule.of(settings), TelemetryModule, TracingModule] })
class App {}

it('serves the metrics of every module on the admin port', async () => {
  Logger.overrideLogger(false);
  const context = await NestFactory.createApplicationContext(App);
  const server = context.get(MetricsServer);
  const port = await server.start('127.0.0.1', 0);
  context.get(Instruments).counter('calls_total', 'Calls.', {}).inc();
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  expect(text).toContain('calls_total 1');
  expect(text).toContain('prism_ready 0');
  expect(text).toContain('prism_trace_spans_lost_total{reason="queue_full"} 0');
  await server.close();
  await context.close();
});
