import { describe, expect, it } from 'vitest';
import { errorResponse } from './error.response';
import { RequestErrorCode, REQUEST_ERRORS } from './request-error.catalogue';
import { RequestError, RequestErrorOptions } from './request.error';

const CODES = Object.keys(REQUEST_ERRORS) as RequestErrorCode[]; // keys of the catalogue

function response(code: RequestErrorCode, extra?: RequestErrorOptions) {
  const { body, ...rest } = errorResponse(new RequestError(code, undefined, extra), 'req-1');
  return { ...rest, ...(JSON.parse(body) as { error: Record<string, unknown> }) };
}

describe('errorResponse', () => {
  it('has the error in its body, and the request id in body and header', () => {
    const error = new RequestError('not_found', 'no such job');
    expect(errorResponse(error, 'req-1')).toEqual({
      status: 404,
      headers: { 'content-type': 'application/json; charset=utf-8', 'x-request-id': 'req-1' },
      body: '{"error":{"code":"not_found","message":"no such job","request_id":"req-1"}}',
    });
  });

  it('has the message of the catalogue by default', () => {
    for (const code of CODES) expect(response(code).error.message).toBe(REQUEST_ERRORS[code].message);
  });

  it('has the published status of each code', () => {
    expect(Object.fromEntries(CODES.map((code) => [code, response(code).status]))).toEqual({
      invalid_json: 400,
      invalid_request: 400,
      unauthorized: 401,
      forbidden: 403,
      not_found: 404,
      method_not_allowed: 405,
      multiple_matches: 409,
      idempotency_key_mismatch: 409,
      idempotency_key_stale: 409,
      idempotency_key_in_use: 409,
      property_in_use: 409,
      conflict: 409,
      property_conflict: 409,
      precondition_failed: 412,
      payload_too_large: 413,
      unsupported_media_type: 415,
      rate_limited: 429,
      internal: 500,
      unavailable: 503,
    });
  });

  it('sends Retry-After with 429, 503 and a key in use, and with nothing else', () => {
    const waiting = CODES.filter((code) => 'retry-after' in response(code).headers);
    expect(waiting).toEqual(['idempotency_key_in_use', 'rate_limited', 'unavailable']);
    for (const code of waiting) expect(response(code).headers['retry-after']).toBe('1');
  });

  it.each([
    [0, '1'],
    [0.2, '1'],
    [2.1, '3'],
    [60, '60'],
    [3_600, '60'],
    [-5, '1'],
    [Infinity, '60'],
  ])('sends %s seconds as Retry-After %s', (retryAfterSeconds, sent) => {
    expect(response('unavailable', { retryAfterSeconds }).headers['retry-after']).toBe(sent);
  });

  it('tells clients to retry a key in use, and no other 409', () => {
    const hints = CODES.map((code) => [code, response(code).headers['x-should-retry']]).filter(([, hint]) => hint);
    expect(Object.fromEntries(hints)).toEqual({
      multiple_matches: 'false',
      idempotency_key_mismatch: 'false',
      idempotency_key_stale: 'false',
      idempotency_key_in_use: 'true',
      property_in_use: 'false',
      conflict: 'false',
      property_conflict: 'false',
    });
  });

  it('has errors with invalid_request only, and none if there are none', () => {
    const errors = [{ field: '.body.items', code: 'max_items', message: 'too many' }];
    expect(response('invalid_request', { errors }).error.errors).toEqual(errors);
    expect(response('forbidden', { errors }).error).not.toHaveProperty('errors');
    expect(response('invalid_request').error).not.toHaveProperty('errors');
  });

  it('has details only where the catalogue defines them', () => {
    const details = { limit_bytes: 10 };
    expect(response('payload_too_large', { details }).error.details).toEqual(details);
    expect(response('forbidden', { details }).error).not.toHaveProperty('details');
  });

  it('has the headers of the error', () => {
    expect(response('method_not_allowed', { headers: { allow: 'GET' } }).headers.allow).toBe('GET');
  });

  it('does not contain the cause', () => {
    const { body } = errorResponse(new RequestError('internal', undefined, { cause: new Error('SELECT 1') }), 'r');
    expect(body).not.toContain('SELECT');
  });
});
