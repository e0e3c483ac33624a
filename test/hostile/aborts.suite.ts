import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AccessService } from '#libs/auth';
import { readSettings } from '#libs/config';
import { type Database, openDatabase } from '#libs/database';
import { Random } from '../support/random';
import { createDatabase, type TestDatabase } from '../support/database';
import { GatewayProcess } from '../support/gateway.process';
import { expectNothingInFlight } from '../support/in-flight';
import { type AbortTarget, runAborts } from './abort.load';

const SEED = 20_251_125;
const CLIENTS = 4;
const KEYS_AT_ONCE = 10;
/** Keys that are used again after the load. */
const KEYS_CHECKED = 40;

/** @param connections the number of connections to open; there are more keys, so that some are looked up until the end */
export function defineAbortSuite(connections: number): void {
  let own: TestDatabase;
  let database: Database;
  let teamId: string;
  let apiKeys: string[];

  beforeAll(async () => {
    own = await createDatabase();
    database = openDatabase(readSettings({ DATABASE_URL: own.url }));
    const access = AccessService.create(database);
    teamId = (await access.createTeam('A team', randomUUID())).id;
    apiKeys = [];
    const scopes = ['records:read', 'records:write'] as const;
    while (apiKeys.length < 2 * connections) {
      // The first ones one by one: two calls at once cannot create the same client.
      const count = apiKeys.length < CLIENTS ? 1 : KEYS_AT_ONCE;
      const names = Array.from({ length: count }, (_, n) => `client-${(apiKeys.length + n) % CLIENTS}`);
      const created = await Promise.all(names.map((name) => access.createKey(teamId, name, scopes)));
      apiKeys.push(...created.map(({ apiKey }) => apiKey));
    }
  });

  afterAll(async () => {
    await database.close();
    await own.drop();
  });

  /** The smallest limits, so that requests are queued and rejected. */
  const limits = {
    DATABASE_POOL_SIZE: '2',
    ADMISSION_MAX_QUEUE_LENGTH: '2',
    ADMISSION_MAX_WAIT_MS: '100',
    MAX_BODY_BYTES_IN_FLIGHT: '20000',
    MAX_RESPONSE_BYTES_IN_FLIGHT: '20000',
    REQUEST_TIMEOUT_MS: '5000',
  };

  it('connections aborted at any point neither end the process nor leak resources', async () => {
    const gateway = GatewayProcess.start({ ...limits, DATABASE_URL: own.url });
    const { api } = await gateway.listening();
    const send = async (apiKey: string, method: string, path: string, body?: object): Promise<Response> =>
      fetch(`${api}/v2/prism/${teamId}/organization${path}`, {
        method,
        headers: { 'x-api-key': apiKey, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
      });
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) {
      const response = await send(apiKeys[0] ?? '', 'POST', '', { default: { name: 'Acme' } });
      ids.push(((await response.json()) as { id: string }).id);
    }

    const target: AbortTarget = { url: api, teamId, apiKeys, ids };
    const options = { random: new Random(SEED), connections: 32, proceed: (opened: number) => opened < connections };
    const { requests, statuses } = await runAborts(target, options);

    await expectNothingInFlight();
    expect(requests).toBeGreaterThan(connections);
    const faults = [...statuses.keys()].filter((status) => status >= 500 && status !== 503);
    expect(faults).toEqual([]);
    // The load got through to the work of the gateway and to its limits.
    expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 404, 503]));
    expect(gateway.lines.filter(({ level }) => level === 'fatal' || level === 'error')).toEqual([]);
    for (const apiKey of apiKeys.slice(0, KEYS_CHECKED)) {
      expect((await send(apiKey, 'PATCH', `/${ids[0] ?? ''}`, { default: { name: 'Afterwards' } })).status).toBe(200);
    }
  }, 120_000);
}
