import { describe, expect, it } from 'vitest';
import { jobDoneWithinRequest } from './import.job';
import { rowResults } from './import.result';

const id = '182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e';
const rest = { replayed: false, seconds: 0 };

function failed(code: 'conflict' | 'outcome_unknown'): Parameters<typeof rowResults>[0][number] {
  const error = { code, message: 'text', retryable: false };
  return { ...rest, code, entry: JSON.stringify({ id, status: 'error', error }) };
}

describe('rowResults', () => {
  it('has a result for each row, numbered from the index of the first one', () => {
    const ok = {
      ...rest,
      code: undefined,
      entry: `{"id": "${id}", "status": "ok", "etag": "\\"1-a\\"", "effect": "created"}`,
    };
    const { json, succeeded, failed: failures } = rowResults([ok, failed('conflict')], 200);
    expect([succeeded, failures]).toEqual([1, 1]);
    expect(JSON.parse(`[${json}]`)).toEqual([
      { input_index: 200, id, created: true, existing: false, updated: false, error: null },
      {
        ...{ input_index: 201, id: null, created: false, existing: false, updated: false },
        error: { code: 'conflict', message: 'text', retryable: false },
      },
    ]);
  });

  it.each([
    ['unchanged', false],
    ['updated', true],
  ])('tells that a row matched a record: %s', (effect, updated) => {
    const entry = JSON.stringify({ id, status: 'ok', etag: '"2-a"', effect });
    const results = rowResults([{ ...rest, code: undefined, entry }], 0);
    expect(JSON.parse(results.json)).toMatchObject({ id, created: false, existing: true, updated });
    expect(results).toMatchObject({ succeeded: 1, created: 0, updated: updated ? 1 : 0 });
  });

  it('has the id of a record that may have been created', () => {
    expect(JSON.parse(rowResults([failed('outcome_unknown')], 0).json)).toMatchObject({ id, created: false });
  });
});

describe('jobDoneWithinRequest', () => {
  it('has no id, and nothing of it is kept', () => {
    const [startedAt, endedAt] = [new Date('2026-01-01T00:00:00Z'), new Date('2026-01-01T00:00:01Z')];
    expect(JSON.parse(jobDoneWithinRequest({ succeeded: 1, failed: 2 }, '1,2,3', startedAt, endedAt))).toEqual({
      ...{ job_id: null, status: 'complete', total: 3, processed: 3, succeeded: 1, failed: 2 },
      ...{ created_at: '2026-01-01T00:00:00.000Z', updated_at: '2026-01-01T00:00:01.000Z' },
      ...{ expires_at: '2026-01-01T00:00:01.000Z', results: [1, 2, 3] },
    });
  });
});
