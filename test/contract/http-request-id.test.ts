import { describe, expect, it } from 'vitest';
import { rawCall } from '../support/raw.socket';
import { useGateway } from '../support/gateway.hooks';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const api = useGateway({ settings: { BODY_LIMIT_BYTES: '1000' } });

describe('x-request-id', () => {
  it.each(['a', 'Az09._:-', 'x'.repeat(128)])('is accepted: %s', async (id) => {
    const { headers } = await api.caller.call('GET', '/health/live', { headers: { 'x-request-id': id } });
    expect(headers['x-request-id']).toBe(id);
  });

  it.each(['', 'x'.repeat(129), 'a b', 'a/b', 'ä', 'a,b', '"a"', '{}'])('is replaced by a UUIDv7: %j', async (id) => {
    const { headers } = await api.caller.call('GET', '/health/live', { headers: { 'x-request-id': id } });
    expect(headers['x-request-id']).toMatch(UUID_V7);
  });

  it('is replaced if it is sent twice', async () => {
    const { headers } = await api.caller.call('GET', '/health/live', { headers: { 'x-request-id': ['a', 'b'] } });
    expect(headers['x-request-id']).toMatch(UUID_V7);
  });

  it('differs from request to request', async () => {
    const responses = await Promise.all([
      api.caller.call('GET', '/health/live'),
      api.caller.call('GET', '/health/live'),
    ]);
    expect(new Set(responses.map(({ headers }) => headers['x-request-id'])).size).toBe(2);
  });

  it('is in the header and the body of every error', async () => {
    const update = api.caller.path('organization/batch/update');
    const rejections = [
      await api.caller.call('GET', '/nowhere'),
      await api.caller.call('GET', update),
      await api.caller.call('POST', update, { body: '{' }),
      await api.caller.call('POST', update, { body: 'x'.repeat(1001) }),
      await api.caller.call('POST', update, { body: '{}', headers: { 'content-type': 'text/plain' } }),
      await api.caller.call('POST', update, { body: {}, headers: { 'x-api-key': 'nobody' } }),
      await api.caller.call('GET', api.caller.path('organization/%ff')),
    ];
    expect(rejections.map(({ status }) => status)).toEqual([404, 405, 400, 413, 415, 403, 400]);
    for (const { headers, body } of rejections) {
      expect(headers['x-request-id']).toMatch(UUID_V7);
      expect(body.error.request_id).toBe(headers['x-request-id']);
    }
  });

  it('is in the response to a malformed request', async () => {
    const { status, headers, body } = await rawCall(api.gateway.url, 'this is no HTTP\r\n\r\n');
    expect(status).toBe(400);
    expect(headers['x-request-id']).toMatch(UUID_V7);
    expect(body).toMatchObject({ error: { code: 'invalid_request', request_id: headers['x-request-id'] } });
  });
});
