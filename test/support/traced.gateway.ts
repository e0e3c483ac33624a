import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import { AccessService } from '#libs/auth';
import { readSettings } from '#libs/config';
import { type Database, openDatabase } from '#libs/database';
import { createDatabase, type TestDatabase } from './database';
import { GatewayProcess } from './gateway.process';
import { TraceCollector } from './trace.collector';

export interface WriteResponse {
  status: number;
  headers: Headers;
  body: any;
}

export interface TracedGateway {
  readonly gateway: GatewayProcess;
  readonly collector: TraceCollector;
  readonly api: string;
  readonly admin: string;
  readonly send: (
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ) => Promise<WriteResponse>;
}

/** A database with a team and a key, for gateways that send their spans to a collector of the test. */
export class TracedEnvironment {
  private constructor(
    private readonly own: TestDatabase,
    readonly database: Database,
    readonly teamId: string,
    readonly clientId: string,
    readonly apiKey: string,
  ) {}

  static async create(): Promise<TracedEnvironment> {
    const own = await createDatabase();
    const database = openDatabase(readSettings({ NODE_ENV: 'test', DATABASE_URL: own.url }));
    const access = AccessService.over(database);
    const { id } = await access.createTeam('A team', randomUUID());
    const { apiKey } = await access.createKey(id, 'billing', ['records:read', 'records:write']);
    const { rows } = await database.query<{ id: string }>('SELECT id FROM clients WHERE team_id = $1', [id]);
    return new TracedEnvironment(own, database, id, rows[0]?.id ?? '', apiKey);
  }

  async drop(): Promise<void> {
    await this.database.close();
    await this.own.drop();
  }

  path(rest: string): string {
    return `/v2/prism/${this.teamId}/organization${rest}`;
  }

  /** What no span may name: who may use the database, and where it is. */
  get secrets(): string[] {
    return [this.apiKey, this.own.url];
  }

  /** A gateway as a process of its own. */
  async start(env: Record<string, string> = {}): Promise<TracedGateway> {
    const collector = await TraceCollector.start();
    const gateway = GatewayProcess.start({
      DATABASE_URL: this.own.url,
      REDIS_URL: inject('redisUrl'),
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      ...env,
    });
    const { api, admin } = await gateway.listening();
    const send: TracedGateway['send'] = async (method, path, body, headers = {}) => {
      const response = await fetch(api + path, {
        method,
        headers: {
          'x-api-key': this.apiKey,
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
    };
    return { gateway, collector, api, admin, send };
  }
}

/** The trace that an answer says it is in. */
export function traceIdOf({ headers }: WriteResponse): string {
  return headers.get('traceresponse')?.split('-')[1] ?? 'none';
}
