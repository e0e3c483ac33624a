import { Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { expect, it } from 'vitest';
import { ConfigModule, readSettings } from '#libs/config';
import { Instruments } from './instruments';
import { TelemetryModule, TracingModule } from './telemetry.module';

const settings = readSettings({ DATABASE_URL: 'postgres://x' });

@Module({ imports: [ConfigModule.of(settings), TelemetryModule, TracingModule] })
class App {}

it('has the metrics of every module in one registry', async () => {
  Logger.overrideLogger(false);
  const context = await NestFactory.createApplicationContext(App);
  const instruments = context.get(Instruments);
  instruments.counter('calls_total', 'Calls.', {}).inc();
  const text = await instruments.registry.metrics();
  expect(text).toContain('calls_total 1');
  expect(text).toContain('prism_ready 0');
  expect(text).toContain('prism_trace_spans_lost_total{reason="queue_full"} 0');
  await context.close();
});
