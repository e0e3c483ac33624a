import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { readSettings } from '#libs/config';
import { DatabaseUnavailable } from '#libs/database';
import { LookupBuilder } from '#libs/properties';
import { RecordWriter } from '#libs/records';
import type { ApiClient, ApiResponse } from '../support/api.client';
import { useGateway } from '../support/gateway.hooks';
import { startImportWorker } from '../support/import.worker';
import { PropertyCalls } from '../support/property.calls';

/*
 * Jobs that are accepted before a lookup is changed, and run after the worker has built or removed it.
 */

const api = useGateway();
let caller: ApiClient;
let properties: PropertyCalls;

beforeEach(async () => {
  caller = await api.gateway.newCaller();
  properties = new PropertyCalls(caller);
});

/** Changes the lookup, and does every step of the worker. @returns the state of the lookup */
async function setLookup(id: string, lookup: string): Promise<string | null> {
  const { status } = await properties.patch(id, { lookup });
  expect(status).toBe(200);
  const builder = new LookupBuilder(api.gateway.database, readSettings({ DATABASE_URL: api.gateway.databaseUrl }));
  while ((await builder.step(0)) !== undefined); // no step is left
  return (await properties.find('code')).lookup_state as string | null;
}

async function define(lookup: string): Promise<string> {
  const { id } = await properties.define({ name: 'Code', slug: 'code', type: 'str' });
  if (lookup !== 'none') expect(await setLookup(id as string, lookup)).toBe('ready');
  return id as string;
}

function row(code: string, name = 'Imported'): object {
  return { default: { name, code } };
}

/** Accepts a job. */
async function accept(objects: object[], options: object = {}): Promise<ApiResponse> {
  const accepted = await caller.call('POST', caller.path('organization/import'), { body: { objects, options } });
  expect(accepted.status).toBe(202);
  return accepted;
}

/** Runs all jobs. @returns the accepted one */
async function run(accepted: ApiResponse): Promise<any> {
  const worker = startImportWorker(api.gateway.databaseUrl);
  await worker.runAll();
  await worker.close();
  return (await caller.call('GET', String(accepted.headers.location))).body;
}

async function count(): Promise<number> {
  return (await caller.call('GET', caller.path('organization/count'))).body.total;
}

const codes = Array.from({ length: 100 }, (_, i) => `C-${i}`);

it('an import within the request that is resumed after a property got a lookup stores its values there', async () => {
  const id = await define('none');
  const call = { body: { objects: [row('C-0')] }, headers: { 'idempotency-key': randomUUID() } };
  const path = caller.path('organization/import');
  const write = vi.spyOn(api.gateway.app.get(RecordWriter), 'write');
  write.mockRejectedValueOnce(new DatabaseUnavailable('connection'));
  expect((await caller.call('POST', path, call)).status).toBe(503);
  expect(await setLookup(id, 'indexed')).toBe('ready');
  expect((await caller.call('POST', path, call)).body).toMatchObject({ succeeded: 1 });
  expect((await caller.call('GET', caller.path('organization/by/code/C-0'))).status).toBe(200);
});

describe('a job that was accepted before', () => {
  it('a property got a lookup stores its values there', async () => {
    const id = await define('none');
    const accepted = await accept(codes.map((code) => row(code)));
    expect(await setLookup(id, 'indexed')).toBe('ready');
    expect(await run(accepted)).toMatchObject({ succeeded: 100 });
    for (const code of ['C-0', 'C-99']) {
      expect((await caller.call('GET', caller.path(`organization/by/code/${code}`))).status).toBe(200);
    }
  });

  it('a property got a lookup stores the values of records that it updates', async () => {
    const id = await define('none');
    await caller.create({ default: { name: 'Acme', primary_domain: 'acme.example' } });
    const rows = [
      { default: { primary_domain: 'acme.example', code: 'C-0' } },
      ...codes.slice(1).map((code) => row(code)),
    ];
    const accepted = await accept(rows, { dedupe_by: 'primary_domain', update_existing: true });
    expect(await setLookup(id, 'indexed')).toBe('ready');
    expect((await run(accepted)).results[0]).toMatchObject({ updated: true });
    const { body } = await caller.call('GET', caller.path('organization/by/code/C-0'));
    expect(body.default.name).toBe('Acme');
  });

  it('a lookup became unique makes no duplicates', async () => {
    const id = await define('indexed');
    const accepted = await accept([row('C-0'), ...codes.slice(1).map((code) => row(code)), row('C-0')]);
    expect(await setLookup(id, 'unique')).toBe('ready');
    const { results } = await run(accepted);
    expect(results.flatMap(({ error }: any) => error ?? [])).toMatchObject([{ code: 'conflict' }]);
    expect(await count()).toBe(100);
  });

  it.each([true, false])('a lookup was removed finds records by it, with update_existing %s', async (update) => {
    const id = await define('indexed');
    const existing = await caller.create(row('C-0'));
    const copies = [await caller.create(row('C-1')), await caller.create(row('C-1'))];
    const accepted = await accept([...codes.map((code) => row(code, 'New')), row('C-2')], {
      ...{ dedupe_by: 'code', update_existing: update, caseInsensitive: false },
    });
    expect(await setLookup(id, 'none')).toBeNull();
    const { results } = await run(accepted);
    expect(results[0]).toMatchObject({ id: existing, existing: true, updated: update });
    expect(results[1]).toMatchObject({ id: null, error: { code: 'multiple_matches' } });
    expect([results[2], results[100]].filter(({ created }) => created)).toHaveLength(1);
    expect(await count()).toBe(1 + copies.length + 98);
  });
});
