import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { ApiClient, ApiResponse } from '../../support/api.client';
import { useGateway } from '../../support/gateway.hooks';
import { startImportWorker } from '../../support/import.worker';

const api = useGateway();
let caller: ApiClient;

beforeEach(async () => {
  caller = await api.gateway.newCaller();
});

function importRows(objects: unknown[], options: object, headers: Record<string, string> = {}): Promise<ApiResponse> {
  return caller.call('POST', caller.path('organization/import'), { body: { objects, options }, headers });
}

function row(primary_domain: string | null, name = 'Imported'): object {
  return { default: { name, primary_domain } };
}

async function count(): Promise<number> {
  return (await caller.call('GET', caller.path('organization/count'))).body.total;
}

describe('dedupe_by', () => {
  it('makes one record of a value, and leaves a record that has it unchanged', async () => {
    const id = await caller.create(row('acme.example', 'Acme'));
    const { status, body } = await importRows(
      [row('acme.example'), row('beta.example'), row('beta.example'), row(null), row(null)],
      { dedupe_by: 'primary_domain' },
    );
    expect(status).toBe(200);
    expect(body.results[0]).toEqual({
      ...{ input_index: 0, id, created: false, existing: true, updated: false, error: null },
    });
    expect(body.results[2]).toMatchObject({ id: body.results[1].id, created: false, existing: true });
    expect(body.results.map(({ created }: { created: boolean }) => created)).toEqual([false, true, false, true, true]);
    expect(await caller.read(id)).toMatchObject({ version: 1, record: { default: { name: 'Acme' } } });
    expect(await count()).toBe(4);
  });

  it('ignores the case of letters unless it is told not to', async () => {
    const id = await caller.create(row('ACME.example', 'Acme'));
    const folded = await importRows([row('acme.EXAMPLE'), row('Beta.example'), row('beta.example')], {
      dedupe_by: 'primary_domain',
    });
    expect(folded.body.results[0]).toMatchObject({ id, existing: true });
    expect(folded.body.results[2].id).toBe(folded.body.results[1].id);
    const exact = await importRows([row('acme.EXAMPLE')], { dedupe_by: 'primary_domain', caseInsensitive: false });
    expect(exact.body.results[0]).toMatchObject({ created: true });
    const both = await importRows([row('acme.example')], { dedupe_by: 'primary_domain' });
    expect(both.body.results[0]).toMatchObject({ id: null, error: { code: 'multiple_matches', retryable: false } });
  });

  it.each([1, 100])('ignores the case of letters outside of ASCII in %i rows', async (rows) => {
    const id = await caller.create(row('MÜLLER ΟΔΌΣ', 'Müller'));
    const objects = Array.from({ length: rows }, () => row('müller οδός'));
    const { body, headers } = await importRows(objects, { dedupe_by: 'primary_domain' });
    const worker = startImportWorker(api.gateway.databaseUrl);
    await worker.runAll();
    await worker.close();
    const { results } = rows < 100 ? body : (await caller.call('GET', String(headers.location))).body;
    expect(results.map((result: any) => result.id)).toEqual(Array(rows).fill(id));
  });

  it('finds a record again whose value it spells otherwise, and leaves it that spelling', async () => {
    const id = await caller.create(row('acme.example', 'Acme'));
    const { body } = await importRows([row('ACME.example', 'First'), row('ACME.example', 'Second')], {
      ...{ dedupe_by: 'primary_domain', update_existing: true },
    });
    expect(body.results.map((result: any) => [result.id, result.updated])).toEqual(Array(2).fill([id, true]));
    const { record } = await caller.read(id);
    expect(record.default).toMatchObject({ name: 'Second', primary_domain: 'acme.example' });
    expect(await count()).toBe(1);
  });

  it('makes one record of rows that spell its value otherwise, in the spelling of the first one, even if that one fails', async () => {
    const { body } = await importRows(
      [{ default: { primary_domain: 'Acme.example' } }, row('ACME.example'), row('acme.example')],
      { dedupe_by: 'primary_domain' },
    );
    expect(body.results[0].error.code).toBe('required_property');
    expect(body.results[2]).toMatchObject({ id: body.results[1].id, created: false, existing: true });
    expect((await caller.read(body.results[1].id)).record.default.primary_domain).toBe('Acme.example');
    expect(await count()).toBe(1);
  });

  it('updates a record that has the value with update_existing', async () => {
    const id = await caller.create(row('acme.example', 'Acme'));
    const headers = { 'idempotency-key': randomUUID() };
    const options = { dedupe_by: 'primary_domain', update_existing: true };
    const rows = [{ default: { primary_domain: 'Acme.example', stage: 'won' } }, { default: { name: 1 } }];
    const first = await importRows(rows, options, headers);
    expect(first.body.results[0]).toMatchObject({ id, created: false, existing: true, updated: true, error: null });
    expect((await importRows(rows, options, headers)).text).toBe(first.text);
    const { version, record } = await caller.read(id);
    expect([version, record.default]).toMatchObject([2, { name: 'Acme', stage: 'won' }]);
  });

  it('fails a row that is not valid, or that several records have the value of', async () => {
    await caller.create(row('acme.example'));
    await caller.create(row('acme.example'));
    const { body } = await importRows(
      [
        row('acme.example'),
        { default: { primary_domain: 'new.example' } },
        { default: { name: 'A', primary_domain: 7 } },
        { default: { name: 2, primary_domain: 'new.example' } },
      ],
      { dedupe_by: 'primary_domain' },
    );
    expect(body.results.map(({ error }: any) => error?.code)).toEqual([
      ...['multiple_matches', 'required_property', 'invalid_property', 'invalid_property'],
    ]);
  });

  it('makes one record of a value in a job, also across its chunks', async () => {
    const objects = Array.from({ length: 400 }, (_, i) =>
      row(`${Math.floor(i / 150) % 2 === 0 ? 'SITE' : 'site'}${i % 150}.example`),
    );
    const accepted = await importRows(objects, { dedupe_by: 'primary_domain' });
    expect(accepted.status).toBe(202);
    const worker = startImportWorker(api.gateway.databaseUrl);
    await worker.runAll();
    const rows = await worker.metric('prism_import_rows_total');
    await worker.close();
    const { body } = await caller.call('GET', String(accepted.headers.location));
    expect(body).toMatchObject({ status: 'complete', succeeded: 400, failed: 0 });
    expect(await count()).toBe(150);
    expect([rows.get('{outcome="created"}'), rows.get('{outcome="existing"}')]).toEqual([150, 250]);
  });

  it('makes one record of a value in a job whose chunks run in any order, even with another spelling in each', async () => {
    const objects = Array.from({ length: 200 }, (_, i) => row(`${i < 100 ? 'SITE' : 'site'}${i % 100}.example`));
    const accepted = await importRows(objects, { dedupe_by: 'primary_domain' });
    const worker = startImportWorker(api.gateway.databaseUrl, { IMPORT_CONCURRENCY: '1' });
    const take = worker.jobs.takeChunk.bind(worker.jobs);
    vi.spyOn(worker.jobs, 'takeChunk').mockImplementationOnce((job, running) => take(job, [...running, 0])); // the second one first
    await worker.runAll();
    await worker.close();
    const { body } = await caller.call('GET', String(accepted.headers.location));
    expect(body).toMatchObject({ status: 'complete', succeeded: 200 });
    expect(body.results.map(({ created }: any) => created)).toEqual(objects.map((_, i) => i >= 100));
    expect(await count()).toBe(100);
  });
});

it('list_id takes properties of the list from default', async () => {
  const listId = randomUUID();
  const property = { name: 'Score', slug: 'score', type: 'num', list_id: listId };
  expect((await caller.call('POST', caller.path('organization/properties'), { body: property })).status).toBe(201);
  const { body } = await importRows([{ default: { name: 'Acme', score: 7 } }], { list_id: listId.toUpperCase() });
  const { record } = await caller.read(body.results[0].id);
  expect(record.list).toEqual({ [listId]: { score: 7 } });
});

it.each([
  ['dedupe_by', { dedupe_by: 'nmae' }, 'unknown_property'],
  ['dedupe_by', { dedupe_by: 'name' }, 'lookup_required'],
  ['dedupe_by', { dedupe_by: 'created_at' }, 'lookup_required'],
  ['dedupe_by', { dedupe_by: 7 }, 'string'],
  ['update_existing', { update_existing: true }, 'required'],
  ['list_id', { list_id: 'list' }, 'uuid'],
  ['create_missing_options', { create_missing_options: 'yes' }, 'boolean'],
])('responds invalid_request to %s of %j', async (option, options, code) => {
  const { status, body } = await importRows([row('acme.example')], options);
  expect(status).toBe(400);
  expect(body.error.errors).toEqual([{ field: `.body.options.${option}`, code, message: expect.any(String) }]);
});
