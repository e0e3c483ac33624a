import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ApiResponse } from '../../support/api.client';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

function importRows(objects: unknown[], headers: Record<string, string> = {}): Promise<ApiResponse> {
  return api.caller.call('POST', api.caller.path('organization/import'), { body: { objects }, headers });
}

async function records(): Promise<number> {
  const { rows } = await api.gateway.database.query<{ n: number }>(
    'SELECT count(*)::integer AS n FROM records WHERE team_id = $1',
    [api.caller.teamId],
  );
  return rows[0]?.n ?? 0;
}

const LIST = '0b9e4d0e-8a0f-4d43-8f7c-3f5f6f5b0f11';

describe.each([
  ['without a key', () => ({})],
  ['with a key', () => ({ 'idempotency-key': randomUUID() })],
])('%s, fewer than 100 rows are imported within the request', (_, headers: () => Record<string, string>) => {
  it('with a result for each row, and a row that is not valid does not affect the others', async () => {
    const { status, body } = await importRows(
      [
        { default: { name: 'Acme', tags: ['a', 'a'] }, list: { [LIST]: {} } },
        { default: { nmae: 'Beta' } },
        { default: { name: 'Gamma' }, extended: { source: 'csv' } },
        'Delta',
        {},
        { default: { name: 'Epsilon' }, id: randomUUID() },
        { default: { name: 'E', notes: 'x'.repeat(262_144) } },
      ],
      headers(),
    );
    expect(status).toBe(200);
    expect(body).toMatchObject({
      ...{ job_id: null, status: 'complete', total: 7, processed: 7, succeeded: 2, failed: 5 },
      results: [
        { input_index: 0, created: true, existing: false, updated: false, error: null },
        { input_index: 1, id: null, created: false, error: { code: 'unknown_property' } },
        { input_index: 2, created: true, error: null },
        { input_index: 3, id: null, error: { code: 'invalid_item' } },
        { input_index: 4, id: null, error: { code: 'invalid_item' } },
        {
          input_index: 5,
          id: null,
          error: { code: 'invalid_item', errors: [{ field: '.id', code: 'unknown_field' }] },
        },
        { input_index: 6, id: null, error: { code: 'too_large' } },
      ],
    });
    expect(body.results[1].error.errors).toContainEqual(expect.objectContaining({ field: '.default.nmae' }));
    expect(await api.caller.read(body.results[0].id)).toMatchObject({
      version: 1,
      record: { default: { tags: ['a'] } },
    });
    expect((await api.caller.read(body.results[2].id)).record.extended).toEqual({ source: 'csv' });
  });

  it('imports a single row within the request, and 99 rows', async () => {
    const before = await records();
    expect((await importRows([{ default: { name: 'One' } }], headers())).body).toMatchObject({ succeeded: 1 });
    const many = await importRows(
      Array.from({ length: 99 }, (_row, i) => ({ default: { name: `Row ${i}` } })),
      headers(),
    );
    expect(many.body).toMatchObject({ succeeded: 99, failed: 0 });
    expect(await records()).toBe(before + 100);
  });
});

it('accepts options without effect', async () => {
  const body = { objects: [{ default: { name: 'Acme' } }], options: { caseInsensitive: false, dedupe_by: null } };
  const { status } = await api.caller.call('POST', api.caller.path('organization/import'), { body });
  expect(status).toBe(200);
});
