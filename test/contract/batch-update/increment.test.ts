import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ApiResponse } from '../../support/api.client';
import { etagOf } from '../../support/etags';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

const listId = '0b9e4d0e-8a0f-4d43-8f7c-3f5f6f5b0f11';
const increment = (by: unknown): object => ({ _op: 'increment', by });
const key = (): Record<string, string> => ({ 'idempotency-key': randomUUID() });

function patch(id: string, value: unknown, headers = {}): Promise<ApiResponse> {
  const body = { default: { employees: value } };
  return api.caller.call('PATCH', api.caller.path(`organization/${id}`), { body, headers });
}

describe('increment', () => {
  it.each([
    [undefined, 2.5, 2.5],
    [1, 2, 3],
    [0.1, 0.2, 0.3],
    [1e-7, 1e-7, 2e-7],
    [-5, 5, 0],
    [9_007_199_254_740_990, 1, 9_007_199_254_740_991],
    [5e-324, 5e-324, 1e-323],
  ])('adds to %j: %j, as decimals', async (from, by, sum) => {
    const id = await api.caller.create({ default: { name: 'Acme', employees: from } });
    const { status, body, headers, text } = await patch(id, increment(by));
    expect([status, headers.etag, body.default.employees]).toEqual([200, etagOf(2), sum]);
    expect(JSON.parse(text).default.employees).toBe(sum);
    const { body: batch } = await api.caller.update([{ id, default: { employees: increment(0) } }, { id: 'x' }]);
    expect(batch.results[0].record.default.employees).toBe(sum);
  });

  it.each([
    ['beyond 2^53 - 1', 9_007_199_254_740_991, 1],
    ['below -(2^53 - 1)', -9_007_199_254_740_991, -0.5],
    ['that a double rounds', 9_007_199_254_740_991, -0.1],
    ['that has more digits than a double', 1, 1e-17],
    ['too small for a double', 5e-324, 1],
  ])('rejects a sum %s, and names the field', async (_, from, by) => {
    const id = await api.caller.create({ default: { name: 'Acme', employees: from } });
    const { status, body } = await patch(id, increment(by));
    expect(status).toBe(400);
    expect(body.error.errors).toEqual([
      {
        field: '.body.default.employees',
        code: 'invalid_property',
        message: expect.stringContaining('default.employees'),
      },
    ]);
    for (const headers of [{}, key()]) {
      const { body: batch } = await api.caller.update(
        [{ id, default: { name: 'Other', employees: increment(by) } }, { id: 'x' }],
        undefined,
        headers,
      );
      expect(batch.results[0]).toMatchObject({
        id,
        error: { code: 'invalid_property', retryable: false, errors: [{ field: '.default.employees' }] },
      });
    }
    expect((await api.caller.read(id)).version).toBe(1);
  });

  it('rejects a property whose stored value is no number', async () => {
    const id = await api.caller.create();
    await api.gateway.database.query(
      `UPDATE records SET properties = properties || '{"employees": "many"}' WHERE team_id = $1 AND id = $2`,
      [api.caller.teamId, id],
    );
    const { status, body } = await patch(id, increment(1));
    expect([status, body.error.errors[0].message]).toEqual([
      400,
      'default.employees cannot be incremented: its value is not a number',
    ]);
  });

  it.each([
    ['no number', increment('1'), '.by'],
    ['no by', { _op: 'increment' }, '.by'],
    ['another operator', { _op: 'append', values: [1] }, '._op'],
  ])('with %s is rejected before it is executed', async (_, value, below) => {
    const id = await api.caller.create();
    const { status, body } = await patch(id, value);
    expect([status, body.error.errors[0].field]).toEqual([400, `.body.default.employees${below}`]);
  });

  it('adds to a property of a list', async () => {
    const caller = await api.gateway.newCaller(); // of a team whose definitions are not cached yet
    await api.gateway.database.query(
      `INSERT INTO property_definitions (team_id, object_type, id, slug, type, name, list_id)
       VALUES ($1, 'deal', gen_random_uuid(), 'score', 'num', 'Score', $2)`,
      [caller.teamId, listId],
    );
    const id = await caller.create({ default: { name: 'Deal' } }, 'deal');
    const item = { id, list: { [listId]: { score: increment(1.5) } } };
    await caller.update([item, item], undefined, {}, 'deal');
    expect((await caller.read(id, 'deal')).record.list[listId].score).toBe(3);
  });

  it('is the value of a new record', async () => {
    const id = await api.caller.create({ default: { name: 'Acme', employees: increment(3) } });
    expect((await api.caller.read(id)).record.default.employees).toBe(3);
  });

  it('is applied once, however often it is sent with one key', async () => {
    const id = await api.caller.create();
    const single = key();
    for (let n = 0; n < 3; n += 1) expect((await patch(id, increment(1), single)).status).toBe(200);
    const batch = key();
    const items = [1, 2, 3].map((by) => ({ id, default: { employees: increment(by) } }));
    for (let n = 0; n < 3; n += 1) await api.caller.update(items, undefined, batch);
    expect((await api.caller.read(id)).record.default.employees).toBe(1 + 1 + 2 + 3);
  });
});
