import { describe, expect, it } from 'vitest';
import { type ItemErrorCode, itemError, RequestError } from '#libs/errors';
import type { AppliedBatch } from '#libs/records';
import { fromItemError, recordResponse } from './record.response';

const ID = '0197b1a2-7c3d-7e4f-8a5b-6c7d8e9fa0b1';

/** A batch whose only item has this entry. */
function applied(entry: object, change: Partial<AppliedBatch> = {}): AppliedBatch {
  const outcomes = [{ entry: JSON.stringify(entry), replayed: false }];
  return { state: 'executed', outcomes, completedBy: undefined, ...change } as AppliedBatch; // nothing else is read
}

const failed = (code: ItemErrorCode): object => ({ id: ID, status: 'error', error: itemError(code) });
const success = { status: 200 };

describe('the response of a single write', () => {
  it.each(['unavailable', 'locked', 'internal', 'outcome_unknown'] as const)(
    'is thrown, so that no retry replays it, if the error is %s',
    (code) => {
      expect(() => recordResponse(applied(failed(code)), 'r', success)).toThrow(RequestError);
    },
  );

  it('is replayed with the request id of the first attempt in its body, and without one in its headers', () => {
    const { status, headers, body, cacheable } = recordResponse(
      applied(failed('not_found'), { completedBy: 'first' }),
      'second',
      success,
    );
    expect(status).toBe(404);
    expect(headers).not.toHaveProperty('x-request-id');
    expect(JSON.parse(body)).toMatchObject({ error: { code: 'not_found', request_id: 'first' } });
    expect(cacheable).toEqual({ body });
  });

  it('says that the request was applied if the record is too large to be sent', () => {
    const entry = { id: ID, status: 'ok', etag: '"1-64f1c2a3b4d5e"', record_omitted: true };
    expect(() => recordResponse(applied(entry), 'r', success)).toThrow(/was applied; the record cannot be sent/);
  });
});

describe('the request error for an item error', () => {
  it('tells clients not to retry if the outcome is unknown', () => {
    const { code, message, headers } = fromItemError(itemError('outcome_unknown'));
    expect({ code, headers }).toEqual({ code: 'unavailable', headers: { 'x-should-retry': 'false' } });
    expect(message).toContain('the outcome is unknown');
  });

  it('names invalid fields relative to the body', () => {
    const errors = [{ field: '.default.stage', code: 'option', message: 'use a' }];
    expect(fromItemError(itemError('unknown_option', 'no such option', errors))).toMatchObject({
      code: 'invalid_request',
      message: 'no such option',
      errors: [{ ...errors[0], field: '.body.default.stage' }],
    });
  });
});
