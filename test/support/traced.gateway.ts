import { randomUUID } from 'node:crypto';
import { inject, onTestFinished } from 'vitest';
import { AccessService } from '#libs/auth';
import { readSettings } from '#libs/config';
import { type Database, openDatabase } from '#libs/database';
import { createDatabase, type TestDatabase } from './database';
import { startGateway } from './gateway';
import { GatewayProcess } from './gateway.process';
import { Session } from './session';
import { TraceCollector } from './trace.collector';

export interface ReceivedResponse {
  status: number;
  headers: Headers;
  body: any;
}

type Send = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<ReceivedResponse>;

/** A gateway that exports its spans to its own collector. */
export interface TracedGateway {
  readonly collector: TraceCollector;
  readonly api: string;
  readonly send: Send;
}

export interface TracedGatewayProcess extends TracedGateway {
  readonly gateway: GatewayProcess;
  readonly admin: string;
}

/** A database with a team and an API key, for gateways that export spans. */
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
    const database = openDatabase(readSettings({ DATABASE_URL: own.url }));
    const access = AccessService.create(database);
    const { id } = await access.createTeam('A team', randomUUID());
    const { apiKey } = await access.createKey(id, 'billing', ['records:read', 'records:write']);
    const { rows } = await database.query<{ id: string }>('SELECT id FROM clients WHERE team_id = $1', [id]);
    return new TracedEnvironment(own, database, id, rows[0]?.id ?? '', apiKey);
  }

  async drop(): Promise<void> {
    await this.database.close();
    await this.own.drop();
  }

  openSession(): Promise<Session> {
    return Session.open(this.own.url);
  }

  path(rest: string): string {
    return `/v2/prism/${this.teamId}/organization${rest}`;
  }

  /** What no span may contain: the API key and the address of the database. */
  get secrets(): string[] {
    return [this.apiKey, this.own.url];
  }

  /** Starts a gateway as a process. */
  async startProcess(env: Record<string, string> = {}): Promise<TracedGatewayProcess> {
    const collector = await TraceCollector.start();
    const gateway = GatewayProcess.start({ ...this.settings(collector), ...env });
    const { api, admin } = await gateway.listening();
    return { gateway, collector, api, admin, send: this.sendTo(api) };
  }

  /** Starts a gateway in this process, which ends with the test. */
  async start(settings: Record<string, string> = {}): Promise<TracedGateway> {
    const collector = await TraceCollector.start();
    const gateway = await startGateway({
      databaseUrl: this.own.url,
      settings: { ...this.settings(collector), ...settings },
    });
    onTestFinished(() => gateway.close());
    return { collector, api: gateway.url, send: this.sendTo(gateway.url) };
  }

  private settings(collector: TraceCollector): Record<string, string> {
    return {
      DATABASE_URL: this.own.url,
      REDIS_URL: inject('redisUrl'),
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    };
  }

  private sendTo(api: string): Send {
    return async (method, path, body, headers = {}) => {
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
  }
}

/** The trace id of a response. */
export function traceIdOf({ headers }: ReceivedResponse): string {
  return headers.get('traceresponse')?.split('-')[1] ?? 'none';
}
