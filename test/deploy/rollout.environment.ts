import { setTimeout as sleep } from 'node:timers/promises';
import { inject } from 'vitest';
import { AccessService } from '#libs/auth';
import { readSettings } from '#libs/config';
import { openDatabase } from '#libs/database';
import { ProgramProcess } from '../support/program.process';
import { Balancer } from '../support/balancer';
import { createDatabase, type TestDatabase } from '../support/database';
import { freePort } from '../support/free.port';
import { Session } from '../support/session';
import { type CallerReport, Traffic } from './traffic';

/** A fifth of the shipped values, like the interval of HAProxy's checks. */
const drainDelayMs = 1_000;
const drainGraceMs = 1_000;
const checkedOften = (config: string): string => config.replace('check inter 1s', 'check inter 200ms');

/** Two gateways behind HAProxy, as in production but on one machine and in a hurry. */
export class RolloutEnvironment {
  private constructor(
    private readonly database: TestDatabase,
    readonly session: Session,
    readonly gateways: ProgramProcess[],
    private readonly ports: number[],
    readonly balancer: Balancer,
    private readonly settings: Record<string, string>,
    readonly teamId: string,
    readonly apiKey: string,
  ) {}

  /** @param settings of the gateways, by environment variable */
  static async open(settings: Record<string, string> = {}): Promise<RolloutEnvironment> {
    const database = await createDatabase();
    const pool = openDatabase(readSettings({ DATABASE_URL: database.url }));
    const access = AccessService.create(pool);
    const { id: teamId } = await access.createTeam('A team');
    const { apiKey } = await access.createKey(teamId, 'billing', ['records:read', 'records:write']);
    await pool.close();
    const ports = [await freePort(), await freePort()];
    const environment = new RolloutEnvironment(
      database,
      await Session.open(database.url),
      [],
      ports,
      await Balancer.start(ports, checkedOften),
      {
        REDIS_URL: inject('redisUrl'),
        METRICS_HOST: '127.0.0.1',
        METRICS_PORT: '0',
        LOG_LEVEL: 'warn',
        DRAIN_DELAY_MS: String(drainDelayMs),
        DRAIN_GRACE_MS: String(drainGraceMs),
        ...settings,
      },
      teamId,
      apiKey,
    );
    await Promise.all(ports.map((_, index) => environment.start(index)));
    await environment.balancer.waitUntilUsed(1, 2);
    return environment;
  }

  get databaseUrl(): string {
    return this.database.url;
  }

  /** Starts the gateway with this number, of another version if a program is given. Resolves when it responds. */
  async start(index: number, program?: string): Promise<ProgramProcess> {
    const name = `gateway-${index + 1}`;
    const port = this.ports[index];
    if (port === undefined) throw new Error(`there is no ${name}`);
    // The name in pg_stat_activity tells which gateway executes a batch.
    const url = `${this.databaseUrl}?application_name=${name}`;
    const gateway = new ProgramProcess(name, {
      port,
      settings: { ...this.settings, DATABASE_URL: url },
      preloads: [],
      ...(program === undefined ? {} : { program }),
    });
    await gateway.start();
    this.gateways[index] = gateway;
    return gateway;
  }

  /** Callers that write continuously, each to its own records. */
  async traffic(callers: { keyed: boolean }[]): Promise<Traffic> {
    const withRecords = [];
    for (const caller of callers) withRecords.push({ ...caller, records: await this.newRecords(5) });
    const { teamId, apiKey } = this;
    return new Traffic({ url: this.balancer.url, teamId, apiKey, callers: withRecords });
  }

  async newRecords(count: number): Promise<string[]> {
    const rows = await this.session.query<{ id: string }>(
      `INSERT INTO records (team_id, id, object_type, properties)
       SELECT $1, gen_random_uuid(), 'organization', '{"name": "new"}' FROM generate_series(1, $2) RETURNING id`,
      [this.teamId, count],
    );
    return rows.map(({ id }) => id);
  }

  /** The number of changes of each record. */
  async changes(records: string[]): Promise<number[]> {
    const rows = await this.session.query<{ changes: number }>(
      `SELECT version::integer - 1 AS changes FROM records JOIN unnest($2::uuid[]) WITH ORDINALITY AS wanted (id, place)
        USING (id) WHERE team_id = $1 ORDER BY place`,
      [this.teamId, records],
    );
    return rows.map(({ changes }) => changes);
  }

  /** The number of outcomes in the ledger for items of these records. */
  async outcomes(records: string[]): Promise<number> {
    const [row] = await this.session.query<{ n: number }>(
      `SELECT count(*)::integer AS n
         FROM idempotency_outcomes AS o, unnest(string_to_array(o.entries, E'\\n')) AS entry
        WHERE o.team_id = $1 AND (entry::jsonb ->> 'id')::uuid = ANY ($2) AND entry::jsonb ->> 'status' = 'ok'`,
      [this.teamId, records],
    );
    return row?.n ?? 0;
  }

  /**
   * Deviations from exactly once, as messages: each batch of a caller changes each of its records once, and with a key stores
   * one outcome for each.
   */
  async miscounts(reports: CallerReport[]): Promise<string[]> {
    const found: string[] = [];
    for (const { records, batches } of reports) {
      for (const changes of await this.changes(records)) {
        if (changes !== batches) found.push(`${changes} changes by ${batches} batches`);
      }
    }
    const keyed = reports.filter((report) => report.keyed);
    const items = keyed.reduce((sum, { batches, records }) => sum + batches * records.length, 0);
    const outcomes = await this.outcomes(keyed.flatMap(({ records }) => records));
    return outcomes === items ? found : [...found, `${outcomes} outcomes of ${items} items`];
  }

  /** Resolves with the number of a gateway whose batch waits for a record. */
  async waitingGateway(): Promise<number> {
    for (;;) {
      const [gateway] = await this.waitingGateways();
      if (gateway !== undefined) return gateway;
      await sleep(5);
    }
  }

  /** Resolves when a batch of this gateway waits for a record, and none of the other one. */
  async onlyWaitingGateway(gateway: number): Promise<void> {
    while (String(await this.waitingGateways()) !== String(gateway)) await sleep(5);
  }

  /** Resolves when no batch waits for a record. */
  async quiet(): Promise<void> {
    while ((await this.waitingGateways()).length > 0) await sleep(5);
  }

  private async waitingGateways(): Promise<number[]> {
    const rows = await this.session.query<{ name: string }>(
      `SELECT application_name AS name FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name LIKE 'gateway-_'`,
    );
    return rows.map(({ name }) => Number(name.slice(-1)) - 1);
  }

  async close(): Promise<void> {
    await this.balancer.stop();
    await Promise.all(this.gateways.map((gateway) => gateway.close()));
    await this.session.close();
    await this.database.drop();
  }
}
