import { Redis } from 'ioredis';
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { AccessService } from '#libs/auth';
import { readSettings } from '#libs/config';
import { migrate, openDatabase } from '#libs/database';
import { type ApiResponse, ApiClient, type Credentials } from '../../support/api.client';
import { documentOf, type OpenApiDocument } from '../../support/openapi';
import { settledItems } from '../../support/ledger';
import { PostgresServer } from '../../support/postgres.server';
import { type RedisServer, startRedis } from '../../support/redis.server';
import { Session } from '../../support/session';
import { breakpointSettings, DatabaseBreakpoints } from './database.breakpoints';
import { GatewayProcess } from './gateway.process';
import { isComplete, KeyedBatch } from './keyed.batch';
import type { Step } from './steps';

/** The first attempt at a batch, stopped at a step. */
export interface Attempt {
  /** Undefined if the connection was closed before a response. */
  readonly response: Promise<ApiResponse | undefined>;
  /** Lets it continue. */
  resume(): Promise<void>;
}

/** The ledger and the records of a batch. */
export interface Stored {
  /** The places (from 1) of the items that are settled. */
  ledger: number[];
  complete: boolean;
  /** Version and name of each record. */
  records: [number, string][];
}

/** Own Postgres and Redis, a gateway for the first attempts, and one for the retries. */
export class FailureEnvironment {
  private constructor(
    private readonly postgres: PostgresServer,
    private readonly redisServer: RedisServer,
    private readonly redis: Redis,
    private readonly settings: Record<string, string>,
    private readonly credentials: Credentials,
    private readonly document: OpenApiDocument,
    private readonly survivor: GatewayProcess,
    private victim: Promise<GatewayProcess>,
    private breakpoints: DatabaseBreakpoints,
    private session: Session,
  ) {}

  static async start(): Promise<FailureEnvironment> {
    const [postgres, redisServer] = await Promise.all([
      // The WAL writer flushes asynchronous commits late, so that a crash loses them.
      PostgresServer.create({ ...breakpointSettings, wal_writer_delay: '10000', autovacuum: 'off' }),
      startRedis(),
    ]);
    await migrate(postgres.url);
    await DatabaseBreakpoints.install(postgres.url);
    const settings = {
      DATABASE_URL: postgres.url,
      REDIS_URL: redisServer.url,
      // Redis never hangs here, but a busy machine may delay its replies.
      REDIS_TIMEOUT_MS: '10000',
      LOCK_TIMEOUT_MS: '20000',
    };
    const credentials = await newCredentials(postgres.url);
    const victim = GatewayProcess.start(settings);
    const survivor = await GatewayProcess.start(settings);
    return new FailureEnvironment(
      postgres,
      redisServer,
      new Redis(redisServer.url),
      settings,
      credentials,
      await documentOf(survivor.url),
      survivor,
      victim,
      await DatabaseBreakpoints.open(postgres.url),
      await Session.open(postgres.url),
    );
  }

  async newBatch(): Promise<KeyedBatch> {
    const batch = new KeyedBatch();
    await this.session.query(
      `INSERT INTO records (team_id, id, object_type, properties)
       SELECT $1, id, 'organization', '{"name": "new"}' FROM unnest($2::uuid[]) AS id`,
      [this.credentials.teamId, batch.records],
    );
    return batch;
  }

  /** Sends a batch and resolves when it is stopped at the step. */
  async attemptUpTo({ place }: Step, batch: KeyedBatch): Promise<Attempt> {
    const victim = await this.victim;
    const caller = new ApiClient(victim.url, this.document, this.credentials);
    if (place === 'responded') {
      const response = await batch.send(caller);
      return { response: Promise.resolve(response), resume: () => Promise.resolve() };
    }
    const point = 'gateway' in place ? victim : this.breakpoints;
    if ('gateway' in place) await victim.arm(place.gateway);
    else await this.breakpoints.arm(place.database);
    const reached = point.waitUntilReached();
    const pending = batch.send(caller).catch(brokenConnection);
    const early = await Promise.race([reached, pending]);
    if (early) throw new Error(`responded before the step: ${early.status} ${early.text}`);
    return { response: pending, resume: () => ('gateway' in place ? victim.resume() : this.breakpoints.release()) };
  }

  /** `kill -9` of the gateway of the first attempt. Starts another one in its place. */
  async killGateway(): Promise<void> {
    await (await this.victim).kill();
    this.victim = GatewayProcess.start(this.settings);
    this.victim.catch(() => undefined); // the next use reports it
  }

  /** Ends the statement of the first attempt, like Postgres when it detects the closed connection. */
  endStatement(): Promise<void> {
    return this.breakpoints.end();
  }

  /** The milliseconds until the claim of a killed gateway expires. */
  async claimExpiry(): Promise<number[]> {
    return Promise.all((await this.claimKeys()).map((key) => this.redis.pttl(key)));
  }

  /** Extends the claim of a killed gateway, so that it does not expire on a busy machine before the test needs it. */
  async extendClaim(): Promise<void> {
    for (const key of await this.claimKeys()) await this.redis.pexpire(key, 60_000);
  }

  /** Ends the claim of a killed gateway, which otherwise expires with its lease. */
  async endClaim(): Promise<void> {
    for (const key of await this.claimKeys()) {
      await this.redis.pexpire(key, 1);
      while ((await this.redis.exists(key)) === 1) await sleep(1);
    }
  }

  private claimKeys(): Promise<string[]> {
    return this.redis.keys('prism:*:idempotency:*');
  }

  /** Flushes all commits, as the WAL writer does within a fraction of a second. */
  async flushWal(): Promise<void> {
    await this.session.query(`SELECT pg_logical_emit_message(true, 'test', '')`);
  }

  /** Stops Postgres immediately, like a power failure; `meanwhile` runs before it is restarted. */
  async crashPostgres(meanwhile: () => Promise<void>): Promise<void> {
    await this.postgres.stop('immediate');
    await Promise.all([this.breakpoints.close(), this.session.close()]);
    await meanwhile();
    await this.postgres.start();
    this.breakpoints = await DatabaseBreakpoints.open(this.postgres.url);
    this.session = await Session.open(this.postgres.url);
  }

  async flushRedis(): Promise<void> {
    await this.redis.flushall();
  }

  /** Removes the state that a failed test may leave. */
  async reset(): Promise<void> {
    await this.flushRedis();
    await this.breakpoints.release();
  }

  /** An attempt at the second gateway. */
  retry(batch: KeyedBatch): Promise<ApiResponse> {
    return batch.send(new ApiClient(this.survivor.url, this.document, this.credentials));
  }

  /** Retries until no item is retryable. */
  async retryUntilComplete(batch: KeyedBatch): Promise<ApiResponse> {
    for (;;) {
      const response = await this.retry(batch);
      if (isComplete(response)) return response;
      const inUse = response.body.error?.code === 'idempotency_key_in_use';
      if (response.status !== 200 && response.status !== 503 && !inUse) {
        throw new Error(`a retry got ${response.status}: ${response.text}`);
      }
      await sleep(20);
    }
  }

  /** Resolves when the retry has a response, or waits in Postgres for a lock of the first attempt. */
  async respondedOrWaiting(retry: Promise<ApiResponse>): Promise<void> {
    const responded = new AbortController();
    const both = this.breakpoints.waitingBackends(2, responded.signal);
    await Promise.race([retry, both]);
    responded.abort();
    await both;
  }

  async stored(batch: KeyedBatch): Promise<Stored> {
    const { teamId } = this.credentials;
    const keyHash = createHash('sha256').update(batch.key).digest();
    const requests = await this.session.query<{ complete: boolean }>(
      `SELECT complete FROM idempotency_requests WHERE team_id = $1 AND key_hash = sha256(convert_to($2, 'UTF8'))`,
      [teamId, batch.key],
    );
    const records = await this.session.query<{ version: number; name: string }>(
      `SELECT version::integer, properties ->> 'name' AS name
         FROM records JOIN unnest($2::uuid[]) WITH ORDINALITY AS wanted (id, place) USING (id)
        WHERE team_id = $1 ORDER BY place`,
      [teamId, batch.records],
    );
    return {
      ledger: await settledItems(this.session, teamId, keyHash),
      complete: requests[0]?.complete ?? false,
      records: records.map(({ version, name }) => [version, name]),
    };
  }

  async stop(): Promise<void> {
    await Promise.all([this.survivor.kill(), this.victim.then((victim) => victim.kill())]);
    await Promise.all([this.breakpoints.close(), this.session.close()]);
    this.redis.disconnect();
    await Promise.all([this.redisServer.kill(), this.postgres.remove()]);
  }
}

async function newCredentials(databaseUrl: string): Promise<Credentials> {
  const database = openDatabase(readSettings({ DATABASE_URL: databaseUrl }));
  const access = AccessService.create(database);
  const { id: teamId } = await access.createTeam('A team');
  const { apiKey, keyId } = await access.createKey(teamId, 'billing', ['records:write']);
  await database.close();
  return { teamId, apiKey, keyId };
}

/** Undefined for a closed connection. @throws any other error */
function brokenConnection(error: unknown): undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code !== 'UND_ERR_SOCKET' && code !== 'ECONNRESET') throw error;
}
