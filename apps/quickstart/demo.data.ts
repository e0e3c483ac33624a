import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AccessError, AccessService, SCOPES } from '#libs/auth';
import { openDatabase } from '#libs/database';

/** The same on every machine, so that examples can name it. */
const TEAM = 'de300000-0000-4000-8000-000000000001';
const ORGANIZATIONS = [
  { name: 'Acme', stage: 'proposal', employees: 120, primary_domain: 'acme.example' },
  { name: 'Globex', stage: 'qualified', employees: 4_200, primary_domain: 'globex.example' },
  { name: 'Initech', stage: 'lead', employees: 35, primary_domain: 'initech.example' },
];

/** What the examples use. */
export interface DemoData {
  team: string;
  apiKey: string;
  /** Ids of the demo organizations. */
  records: string[];
}

/**
 * Creates the demo team, an API key and records, or finds those of an earlier start. They are stored in a file, because a key
 * cannot be read back from the database.
 *
 * @param folder of the file, which only its owner can read
 * @param gatewayUrl of a gateway that is ready: it creates the records
 */
export async function provideDemoData(folder: string, gatewayUrl: string, databaseUrl: string): Promise<DemoData> {
  const file = join(folder, 'demo.json');
  const api = `${gatewayUrl}/v2/prism/${TEAM}/organization`;
  if (existsSync(file)) {
    const stored = JSON.parse(readFileSync(file, 'utf8')) as DemoData; // Written below.
    const response = await fetch(`${api}/${stored.records[0] ?? ''}`, { headers: { 'x-api-key': stored.apiKey } });
    if (response.ok) return stored; // Otherwise the file belongs to another database.
  }
  const apiKey = await createKey(databaseUrl);
  const items = ORGANIZATIONS.map((organization) => ({ op: 'create', default: organization }));
  const response = await fetch(`${api}/batch`, {
    method: 'POST',
    headers: { 'x-api-key': apiKey, 'content-type': 'application/json' },
    body: JSON.stringify({ items }),
  });
  const text = await response.text();
  const { results = [] } = JSON.parse(text) as { results?: { status: string; id: string }[] };
  if (!response.ok || results.some(({ status }) => status !== 'ok')) throw new Error(`no demo records: ${text}`);
  const demo = { team: TEAM, apiKey, records: results.map(({ id }) => id) };
  // Under another name first: an interrupted start leaves no incomplete file.
  writeFileSync(`${file}.new`, JSON.stringify(demo), { mode: 0o600, flush: true });
  renameSync(`${file}.new`, file);
  return demo;
}

/**
 * A curl command for sh, bash and zsh. Its batch shows one success, one missing record, one invalid value and one invalid
 * id. Each start has a new idempotency key, so a paste replays only a request of the same start.
 */
export function demoCurl(gatewayUrl: string, demo: DemoData): string {
  const [first = '', second = ''] = demo.records;
  return `\
curl -sSi -w '\\n' '${gatewayUrl}/v2/prism/${demo.team}/organization/batch/update' \\
  -H 'content-type: application/json' \\
  -H 'x-api-key: ${demo.apiKey}' \\
  -H 'idempotency-key: try-${randomUUID().slice(0, 8)}' \\
  -d '{"items": [
    {"id":"${first}","default":{"stage":"won","employees":250}},
    {"id":"00000000-0000-4000-8000-000000000404","default":{"stage":"won"}},
    {"id":"${second}","default":{"employees":"a few"}},
    {"id":"not-a-uuid","default":{"stage":"won"}}
  ]}'`;
}

async function createKey(databaseUrl: string): Promise<string> {
  const database = openDatabase({ databaseUrl, databasePoolSize: 1, requestTimeoutMs: 10_000 });
  try {
    const access = AccessService.create(database);
    await access.createTeam('Demo', TEAM).catch((error: unknown) => {
      if (!(error instanceof AccessError)) throw error; // An AccessError: the team exists.
    });
    return (await access.createKey(TEAM, 'quickstart', SCOPES)).apiKey;
  } finally {
    await database.close();
  }
}
