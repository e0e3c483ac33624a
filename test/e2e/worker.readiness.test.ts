import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSettings } from '#libs/config';
import { Instruments } from '#libs/telemetry';
import { ReadinessCheck } from '../../apps/worker/readiness.check';
import { RetentionLoop } from '../../apps/worker/retention.loop';
import { WorkerModule } from '../../apps/worker/worker.module';
import { createDatabase, type TestDatabase } from '../support/database';

describe('readiness of a worker', () => {
  let database: TestDatabase | undefined;
  let app: INestApplicationContext | undefined;

  beforeEach(() => {
    database = undefined;
    app = undefined;
  });
  afterEach(async () => {
    await app?.close();
    await database?.drop();
  });

  async function createWorker(databaseUrl: string): Promise<INestApplicationContext> {
    const settings = readSettings({ DATABASE_URL: databaseUrl });
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- Nest declares its options as a class but takes any object
    app = await NestFactory.createApplicationContext(WorkerModule.of(settings), { logger: false, abortOnError: false });
    return app;
  }

  async function readyMetric(worker: INestApplicationContext): Promise<string | undefined> {
    const { body } = await worker.get(Instruments).page(undefined);
    return /^prism_ready (\d)$/m.exec(body)?.[1];
  }

  it('is ok on a migrated database', async () => {
    database = await createDatabase();
    const worker = await createWorker(database.url);
    expect(await worker.get(ReadinessCheck).ready()).toEqual({
      status: 'ok',
      checks: { postgres: 'up', migrations: 'current', draining: false },
    });
    expect(await readyMetric(worker)).toBe('1');
  });

  it('is unavailable while migrations are pending', async () => {
    database = await createDatabase({ migrated: false });
    const worker = await createWorker(database.url);
    expect(await worker.get(ReadinessCheck).ready()).toEqual({
      status: 'unavailable',
      checks: { postgres: 'up', migrations: 'pending', draining: false },
      reason: 'The database has pending migrations: run `npm run migrate`.',
    });
    expect(await readyMetric(worker)).toBe('0');
  });

  it('is unavailable while Postgres refuses connections', async () => {
    const worker = await createWorker('postgres://localhost:1/prism');
    expect(await worker.get(ReadinessCheck).ready()).toEqual({
      status: 'unavailable',
      checks: { postgres: 'down', migrations: 'unknown', draining: false },
      reason: 'Postgres is not available: no server listens at the address of DATABASE_URL.',
    });
    expect(await readyMetric(worker)).toBe('0');
  });

  it('is unavailable while the worker shuts down', async () => {
    database = await createDatabase();
    const worker = await createWorker(database.url);
    await worker.get(RetentionLoop).onModuleDestroy();
    expect(await worker.get(ReadinessCheck).ready()).toEqual({
      status: 'unavailable',
      checks: { postgres: 'up', migrations: 'current', draining: true },
      reason: 'This process is stopping.',
    });
  });
});
