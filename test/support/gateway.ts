import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import { AccessService, type Scope } from '#libs/auth';
import { readSettings } from '#libs/config';
import { Database, openDatabase } from '#libs/database';
import { Instruments } from '#libs/telemetry';
import { createApp } from '../../apps/gateway/create-app';
import { ApiClient } from './api.client';
import { createDatabase, type TestDatabase } from './database';
import { isInFlightGauge, watchInFlight } from './in-flight';
import type { Sample } from './metrics.page';
import { documentOf } from './openapi';
import { roleUrl } from './server.database';

const allScopes: readonly Scope[] = ['records:read', 'records:write', 'schema:write'];

/**
 * A gateway in this process, on a free port, with its own database, connected as the role of gateways with row-level security.
 */
export interface TestGateway {
  readonly app: NestFastifyApplication;
  readonly url: string;
  /** Direct access to the database as the owner of the tables. */
  readonly database: Database;
  readonly databaseUrl: string;
  readonly access: AccessService;
  /** A new team with a client and a key, and an API client that uses it. */
  newCaller(options?: { scopes?: readonly Scope[]; client?: string; teamId?: string }): Promise<ApiClient>;
  close(): Promise<void>;
}

export interface GatewayOptions {
  /** Settings by environment variable; an empty string unsets one. */
  settings?: Record<string, string>;
  /** Share the database of another gateway; under the role that the URL names. */
  databaseUrl?: string;
}

/**
 * Starts a gateway. Redis is on unless `settings.REDIS_URL` is an empty string. After each test it must hold no resource of
 * a request.
 */
export async function startGateway(options: GatewayOptions = {}): Promise<TestGateway> {
  const own: TestDatabase | undefined = options.databaseUrl === undefined ? await createDatabase() : undefined;
  const databaseUrl = options.databaseUrl ?? own?.url ?? '';
  const settings = readSettings({
    HOST: '127.0.0.1',
    PORT: '0',
    METRICS_PORT: '0',
    LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'silent',
    DRAIN_DELAY_MS: '0',
    DRAIN_GRACE_MS: '0',
    DATABASE_URL: own === undefined ? databaseUrl : roleUrl(databaseUrl, inject('gatewayRole')),
    REDIS_URL: inject('redisUrl'),
    // The tests share the event loop and may block it.
    MAX_EVENT_LOOP_DELAY_MS: '60000',
    REDIS_TIMEOUT_MS: '10000',
    ...options.settings,
  });
  const app = await createApp(settings);
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const { databasePoolSize, requestTimeoutMs } = settings;
  const database = openDatabase({ databaseUrl, databasePoolSize, requestTimeoutMs });
  const access = AccessService.create(database);
  const document = await documentOf(url);
  const unwatch = watchInFlight(() => gaugesOf(app.get(Instruments)));
  return {
    app,
    url,
    database,
    databaseUrl,
    access,
    newCaller: async ({ scopes = allScopes, client = 'billing', teamId } = {}) => {
      const team = teamId ?? (await access.createTeam('A team', randomUUID())).id;
      const { apiKey, keyId } = await access.createKey(team, client, scopes);
      return new ApiClient(url, document, { teamId: team, apiKey, keyId });
    },
    close: async () => {
      unwatch();
      await app.close();
      await database.close();
      await own?.drop();
    },
  };
}

async function gaugesOf({ registry }: Instruments): Promise<Sample[]> {
  const gauges = registry.getMetricsAsArray().filter(({ name }) => isInFlightGauge(name));
  const read = gauges.map(async ({ name }) => {
    const metric = await registry.getSingleMetric(name)?.get();
    return (metric?.values ?? []).map(({ labels, value }) => ({ name, labels, value }));
  });
  return (await Promise.all(read)).flat();
}
