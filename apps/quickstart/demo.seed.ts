import { createHash } from 'node:crypto';

import { createDemoKey, DEMO_TEAM_ID } from './demo.access';
import { QuickstartError } from './quickstart.error';
import { readStore, writeStore } from './secret.store';
import { type Service } from './service';

/** What the demonstration works with. */
export interface Demo {
  team: string;
  apiKey: string;
  /** Ids of the demo organizations, in the order of {@link ORGANIZATIONS}. */
  records: string[];
}

const ORGANIZATIONS = [
  { name: 'Acme', stage: 'proposal', employees: 120, primary_domain: 'acme.example' },
  { name: 'Globex', stage: 'qualified', employees: 4_200, primary_domain: 'globex.example' },
  { name: 'Initech', stage: 'lead', employees: 35, primary_domain: 'initech.example' },
];

const REQUEST_MS = 10_000;

/**
 * Gives the demo team a key and records, or finds those of an earlier start. What was made is remembered for each
 * database, in a file that only its owner can read: a key cannot be read back from the database.
 *
 * @param gatewayUrl of a gateway that is ready: records are made through the product's own API.
 */
export async function seedDemo(file: string, gatewayUrl: string, postgres: Service): Promise<Demo> {
  const remembered = readStore<Record<string, Omit<Demo, 'team'>>>(file, {});
  const database = nameOf(postgres);
  const known = remembered[database];
  const api = `${gatewayUrl}/v2/prism/${DEMO_TEAM_ID}/organization`;
  const apiKey = known && (await works(api, known.apiKey)) ? known.apiKey : await createDemoKey(postgres.url);
  const records = known && (await allExist(api, apiKey, known.records)) ? known.records : await create(api, apiKey);
  remembered[database] = { apiKey, records };
  writeStore(file, remembered);
  return { team: DEMO_TEAM_ID, apiKey, records };
}

/** Our own Postgres gets another port at each start; its folder stays. Of a given one, only a hash is written down. */
function nameOf(postgres: Service): string {
  return postgres.dataFolder ?? createHash('sha256').update(postgres.url).digest('hex');
}

async function works(api: string, apiKey: string): Promise<boolean> {
  // Any id does: the key is checked before the record is looked for.
  const response = await call(`${api}/${DEMO_TEAM_ID}`, apiKey);
  return response.status !== 401 && response.status !== 403;
}

async function allExist(api: string, apiKey: string, ids: string[]): Promise<boolean> {
  const responses = await Promise.all(ids.map((id) => call(`${api}/${id}`, apiKey)));
  return responses.every(({ ok }) => ok);
}

async function create(api: string, apiKey: string): Promise<string[]> {
  const ids: string[] = [];
  for (const organization of ORGANIZATIONS) {
    const response = await call(api, apiKey, { default: organization });
    if (!response.ok)
      throw new QuickstartError(`the demo records cannot be made: ${response.status} ${await response.text()}`);
    // The contract's answer to a create: the record.
    const record = (await response.json()) as { id: string };
    ids.push(record.id);
  }
  return ids;
}

async function call(url: string, apiKey: string, body?: unknown): Promise<Response> {
  const signal = AbortSignal.timeout(REQUEST_MS);
  const headers = { 'x-api-key': apiKey };
  if (body === undefined) return fetch(url, { headers, signal });
  return fetch(url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal,
  });
}
