import { randomUUID } from 'node:crypto';
import { beforeEach, expect, inject, it, vi } from 'vitest';
import { REQUEST_ERRORS } from '#libs/errors';
import { SchemaWriter } from '#libs/properties';
import { ApiClient, type ApiResponse } from '../../support/api.client';
import { startGateway } from '../../support/gateway';
import { useGateway } from '../../support/gateway.hooks';
import { startImportWorker } from '../../support/import.worker';
import { PropertyCalls } from '../../support/property.calls';
import { roleUrl } from '../../support/server.database';

const api = useGateway();
let caller: ApiClient;
let properties: PropertyCalls;

beforeEach(async () => {
  caller = await api.gateway.newCaller();
  properties = new PropertyCalls(caller);
});

function importRows(
  blocks: object[],
  {
    from = caller,
    headers = {},
    options = {},
  }: { from?: ApiClient; headers?: Record<string, string>; options?: object } = {},
): Promise<ApiResponse> {
  const objects = blocks.map((block) => ({ default: { name: 'Imported', ...block } }));
  const body = { objects, options: { create_missing_options: true, ...options } };
  return from.call('POST', from.path('organization/import'), { body, headers });
}

/** The display names of the options that the team has added to `stage`. */
async function added(): Promise<string[]> {
  const { rows } = await api.gateway.database.query<{ value: string }>(
    'SELECT value FROM property_options WHERE team_id = $1 ORDER BY position',
    [caller.teamId],
  );
  return rows.map(({ value }) => value);
}

async function stages({ body }: ApiResponse): Promise<string[]> {
  const ids: string[] = body.results.map(({ id }: { id: string }) => id);
  return Promise.all(ids.map(async (id) => (await caller.read(id)).record.default.stage));
}

it('creates the options that rows name, once', async () => {
  const rows = [{ stage: 'On hold' }, { stage: 'on HOLD' }, { stage: 'won' }, { stage: 'Ünder review' }];
  const first = await importRows(rows);
  expect(first.body).toMatchObject({ succeeded: 4, failed: 0 });
  expect(await stages(first)).toEqual(['on_hold', 'on_hold', 'won', 'under_review']);
  expect(await stages(await importRows(rows))).toEqual(['on_hold', 'on_hold', 'won', 'under_review']);
  expect(await added()).toEqual(['On hold', 'Ünder review']);
  const { options } = await properties.find('stage');
  expect(options.slice(-2)).toMatchObject([
    { slug: 'on_hold', value: 'On hold' },
    { slug: 'under_review', value: 'Ünder review' },
  ]);
});

it('creates nothing without the option, and nothing for a row that is not valid', async () => {
  const rows = [{ stage: 'New' }];
  const refused = await importRows(rows, { options: { create_missing_options: false } });
  expect(refused.body.results[0].error.code).toBe('unknown_option');
  const invalid = await importRows([{ stage: 'New', name: 7 }, { stage: '!?' }]);
  expect(invalid.body.results.map(({ error }: any) => error.code)).toEqual(['invalid_property', 'unknown_option']);
  expect(await added()).toEqual([]);
});

it('creates a record in the spelling of the first row with its value, even if an option of that row cannot be created', async () => {
  const rows = [{ primary_domain: 'Acme.example', stage: '!?' }, { primary_domain: 'acme.example' }];
  const { body } = await importRows(rows, { options: { dedupe_by: 'primary_domain' } });
  expect(body.results[0].error.code).toBe('unknown_option');
  expect((await caller.read(body.results[1].id)).record.default.primary_domain).toBe('Acme.example');
});

it('fails the rows with options beyond the maximum of a property', async () => {
  const rows = Array.from({ length: 520 }, (_, i) => ({ stage: `Option ${i}` }));
  const accepted = await importRows(rows);
  expect(accepted.status).toBe(202);
  const worker = startImportWorker(api.gateway.databaseUrl);
  await worker.runAll();
  await worker.close();
  const { body } = await caller.call('GET', String(accepted.headers.location));
  // The property has five options that are built in.
  expect(body).toMatchObject({ status: 'complete', succeeded: 495, failed: 25 });
  expect(body.results[495].error).toMatchObject({ code: 'unknown_option', errors: [{ field: '.default.stage' }] });
  expect(await added()).toHaveLength(495);
});

it('matches rows by a select property with options that it creates', async () => {
  const { body: level } = await properties.create({ name: 'Level', type: 'select_str', lookup: 'indexed' });
  await api.gateway.database.query("UPDATE property_definitions SET lookup_state = 'ready' WHERE id = $1", [level.id]);
  const from = await api.gateway.newCaller({ teamId: caller.teamId, client: 'crm' });
  const fresh = await startGateway({ databaseUrl: roleUrl(api.gateway.databaseUrl, inject('gatewayRole')) });
  const { body } = await importRows([{ level: 'Gold' }, { level: 'gold' }], {
    from: new ApiClient(fresh.url, from.document, from.credentials),
    options: { dedupe_by: 'level' },
  });
  await fresh.close();
  expect(body.results[1]).toMatchObject({ id: body.results[0].id, existing: true });
});

it('responds forbidden to an API key without the scope schema:write', async () => {
  const from = await api.gateway.newCaller({ teamId: caller.teamId, scopes: ['records:write'] });
  const { status, body } = await importRows([{ stage: 'New' }], { from });
  expect([status, body.error.code, body.error.message]).toEqual([403, 'forbidden', REQUEST_ERRORS.forbidden.message]);
  expect(await added()).toEqual([]);
});

it.each([
  ['with Redis', 3, {}],
  ['with Redis', 100, {}],
  ['without Redis', 3, { REDIS_URL: '' }],
])('%s, replays an import of %s rows only to an API key with the scope schema:write', async (_, rows, settings) => {
  const databaseUrl = roleUrl(api.gateway.databaseUrl, inject('gatewayRole'));
  const gateway = await startGateway({ databaseUrl, settings });
  const client = (of: ApiClient): ApiClient => new ApiClient(gateway.url, caller.document, of.credentials);
  const { teamId } = caller;
  const writer = client(await api.gateway.newCaller({ teamId, scopes: ['records:write'] }));
  const headers = { 'idempotency-key': randomUUID() };
  const blocks = Array.from({ length: rows }, () => ({ stage: 'New' }));
  const first = await importRows(blocks, { from: client(caller), headers });
  const refused = await importRows(blocks, { from: writer, headers });
  expect([refused.status, refused.body.error.code]).toEqual([403, 'forbidden']);
  expect(refused.headers).not.toHaveProperty('idempotent-replay');
  const replay = await importRows(blocks, { from: client(caller), headers });
  expect([replay.text, replay.headers['idempotent-replay']]).toEqual([first.text, 'true']);
  await gateway.close();
});

it.each([3, 100])('creates no option if the key stands for another import of %i rows', async (rows) => {
  const headers = { 'idempotency-key': randomUUID() };
  const withStage = (stage: string): object[] => Array.from({ length: rows }, () => ({ stage }));
  const first = await importRows(withStage('First'), { headers });
  expect((await importRows(withStage('First'), { headers })).text).toBe(first.text);
  expect((await importRows(withStage('Second'), { headers })).status).toBe(409);
  expect(await added()).toEqual(['First']);
});

it('creates an option once although imports of several gateways need it at the same moment', async () => {
  const other = await startGateway({ databaseUrl: roleUrl(api.gateway.databaseUrl, inject('gatewayRole')) });
  const second = new ApiClient(other.url, caller.document, caller.credentials);
  const sent = Array.from({ length: 12 }, (_, i) => {
    const rows = Array.from({ length: i % 3 === 0 ? 100 : 2 }, (_, row) => ({ stage: `Shared ${row % 4}` }));
    const headers: Record<string, string> = i % 2 === 0 ? { 'idempotency-key': randomUUID() } : {};
    return importRows([...rows, { stage: `Own ${i}` }], { from: i % 2 === 0 ? caller : second, headers });
  });
  const responses = await Promise.all(sent);
  expect(responses.map(({ status }) => status)).toEqual(sent.map((_, i) => (i % 3 === 0 ? 202 : 200)));
  const worker = startImportWorker(api.gateway.databaseUrl);
  await worker.runAll();
  await worker.close();
  await other.close();
  for (const { headers, body } of responses) {
    const job = body.job_id === null ? body : (await caller.call('GET', String(headers.location))).body;
    expect(job).toMatchObject({ status: 'complete', failed: 0 });
  }
  const names = [0, 1, 2, 3].map((i) => `Shared ${i}`).concat(sent.map((_, i) => `Own ${i}`));
  expect((await added()).sort()).toEqual(names.sort());
});

it.each([3, 100])('responds unavailable to %i rows if other requests keep creating their options', async (rows) => {
  const addOptions = vi.spyOn(api.gateway.app.get(SchemaWriter), 'addOptions').mockResolvedValue(false);
  const { status, body } = await importRows(Array.from({ length: rows }, () => ({ stage: 'New' })));
  expect([status, body.error.code]).toEqual([503, 'unavailable']);
  expect(addOptions).toHaveBeenCalledTimes(10);
  addOptions.mockRestore();
  expect((await caller.call('GET', caller.path('organization/count'))).body.total).toBe(0);
  const { rows: jobs } = await api.gateway.database.query('SELECT FROM import_jobs WHERE team_id = $1', [
    caller.teamId,
  ]);
  expect(jobs).toEqual([]);
});

it('uses an option that another replica has created in the meantime', async () => {
  // Another replica has created the option, and this one does not know of it.
  expect((await importRows([{ stage: 'won' }])).body.succeeded).toBe(1);
  const stage = await properties.find('stage');
  await api.gateway.database.query(
    `INSERT INTO property_options (team_id, property_id, id, slug, value, position) VALUES ($1, $2, $3, 'late', 'Late', 9)`,
    [caller.teamId, stage.id, randomUUID()],
  );
  const { body } = await importRows([{ stage: 'LATE' }]);
  expect(await stages({ body } as ApiResponse)).toEqual(['late']);
  expect(await added()).toEqual(['Late']);
});
