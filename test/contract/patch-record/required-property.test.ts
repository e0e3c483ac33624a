import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiResponse, ApiClient } from '../../support/api.client';
import { startGateway, type TestGateway } from '../../support/gateway';

let gateway: TestGateway;
let caller: ApiClient;

beforeAll(async () => {
  gateway = await startGateway();
  caller = await gateway.newCaller();
  await gateway.database.query(
    `INSERT INTO property_definitions (team_id, object_type, id, slug, type, name, required)
     VALUES ($1, 'organization', gen_random_uuid(), 'regions', 'multi_str', 'Regions', true)`,
    [caller.teamId],
  );
});
afterAll(() => gateway.close());

const newRecord = (): Promise<string> => caller.create({ default: { name: 'Acme', regions: ['eu', 'us'] } });
const remove = (...values: string[]): object => ({ default: { regions: { _op: 'remove', values } } });

describe('a required property with several values', () => {
  function patch(id: string, body: object, headers: Record<string, string> = {}): Promise<ApiResponse> {
    return caller.call('PATCH', caller.path(`organization/${id}`), { body, headers });
  }

  it('can lose elements, but not the last one', async () => {
    const id = await newRecord();
    expect((await patch(id, remove('eu'))).body.default.regions).toEqual(['us']);
    const rejected = await patch(id, remove('us', 'asia'));
    expect([rejected.status, rejected.body.error.code]).toEqual([400, 'invalid_request']);
    const { record, version } = await caller.read(id);
    expect([record.default.regions, version]).toEqual([['us'], 2]);
  });

  it.each([
    ['null', null],
    ['an empty list', []],
    ['nothing', undefined],
    ['an empty append', { _op: 'append', values: [] }],
  ])('cannot be created with %s', async (_, regions) => {
    const { status, body } = await caller.call('POST', caller.path('organization'), {
      body: { default: { name: 'Acme', regions } },
    });
    expect(status).toBe(400);
    expect(body.error.errors).toContainEqual(
      expect.objectContaining({ field: '.body.default.regions', code: 'required_property' }),
    );
  });

  it('fails only its item of a batch, with a final error that completes a keyed request', async () => {
    const [one, two] = [await newRecord(), await newRecord()];
    const items = [
      { id: one, ...remove('eu', 'us') },
      { id: two, ...remove('eu') },
    ];
    const headers = { 'idempotency-key': randomUUID() };
    const first = await caller.update(items, undefined, headers);
    expect(first.body.results.map((result: any) => [result.error?.code, result.error?.retryable])).toEqual([
      ['required_property', false],
      [undefined, undefined],
    ]);
    const second = await caller.update(items, undefined, headers);
    expect(second.headers['idempotent-replay']).toBe('true');
    expect(second.text).toBe(first.text);
  });
});
