import { createHash } from 'node:crypto';

import { AccessError, AccessService, SCOPES } from '#libs/auth';
import { openDatabase } from '#libs/database';

import { readJson, writeJson } from './data.folder';
import { QuickstartError } from './quickstart.error';
import type { Service } from './service';

/** The same on every machine, so that examples can name it. */
const DEMO_TEAM_ID = 'de300000-0000-4000-8000-000000000001';

const ORGANIZATIONS = [
  { name: 'Acme', stage: 'proposal', employees: 120, primary_domain: 'acme.example' },
  { name: 'Globex', stage: 'qualified', employees: 4_200, primary_domain: 'globex.example' },
  { name: 'Initech', stage: 'lead', employees: 35, primary_domain: 'initech.example' },
];
const TIMEOUT_MS = 10_000;

/** What the examples use. */
export interface DemoData {
  team: string;
  apiKey: string;
  /** Ids of the demo organizations. */
  records: string[];
}

type StoredData = Record<string, Omit<DemoData, 'team'>>;

/**
 * Creates the demo team, an API key and records, or finds those of an earlier start. They are stored per database, because
 * a key cannot be read back from the database.
 *
 * @param file readable by its owner only
 * @param gatewayUrl of a gateway that is ready: it creates the records
 */
export async function provideDemoData(file: string, gatewayUrl: string, postgres: Service): Promise<DemoData> {
  const stored = (readJson(file) ?? {}) as StoredData; // Written below.
  // Our Postgres has another port at each start, but keeps its folder. Of another one only a hash is stored.
  const database = postgres.dataFolder ?? createHash('sha256').update(postgres.url).digest('hex');
  const api = `${gatewayUrl}/v2/prism/${DEMO_TEAM_ID}/organization`;
  const known = stored[database];
  if (known && (await allExist(api, known))) return { team: DEMO_TEAM_ID, ...known };
  const apiKey = await createKey(postgres.url);
  const records = await createRecords(api, apiKey);
  writeJson(file, { ...stored, [database]: { apiKey, records } });
  return { team: DEMO_TEAM_ID, apiKey, records };
}

async function createKey(databaseUrl: string): Promise<string> {
  const database = openDatabase({ databaseUrl, databasePoolSize: 1, requestTimeoutMs: TIMEOUT_MS });
  try {
    const access = AccessService.over(database);
    await access.createTeam('Demo', DEMO_TEAM_ID).catch((error: unknown) => {
      if (!(error instanceof AccessError)) throw error; // An AccessError: the team exists.
    });
    return (await access.createKey(DEMO_TEAM_ID, 'quickstart', SCOPES)).apiKey;
  } finally {
    await database.close();
  }
}

async function allExist(api: string, { apiKey, records }: Omit<DemoData, 'team'>): Promise<boolean> {
  const responses = await Promise.all(records.map((id) => call(`${api}/${id}`, apiKey)));
  return responses.every(({ ok }) => ok);
}

async function createRecords(api: string, apiKey: string): Promise<string[]> {
  const ids: string[] = [];
  for (const organization of ORGANIZATIONS) {
    const response = await call(api, apiKey, { method: 'POST', body: JSON.stringify({ default: organization }) });
    const text = await response.text();
    if (!response.ok) throw new QuickstartError(`cannot create the demo records: ${response.status} ${text}`);
    ids.push((JSON.parse(text) as { id: string }).id); // The response to a create is the record.
  }
  return ids;
}

function call(url: string, apiKey: string, request: RequestInit = {}): Promise<Response> {
  const headers = { 'x-api-key': apiKey, ...(request.body && { 'content-type': 'application/json' }) };
  return fetch(url, { ...request, headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
}
