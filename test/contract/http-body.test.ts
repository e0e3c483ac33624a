import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiClient } from '../support/api.client';
import { startGateway, type TestGateway } from '../support/gateway';

let gateway: TestGateway;
let caller: ApiClient;
let update: string;

beforeAll(async () => {
  gateway = await startGateway({ settings: { BODY_LIMIT_BYTES: '2000' } });
  caller = await gateway.newCaller();
  update = caller.path('organization/batch/update');
});

afterAll(() => gateway.close());

describe('the content type', () => {
  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'application/json; profile=x',
    'Application/JSON',
  ])('accepts %s', async (type) => {
    const id = await caller.create();
    const { status } = await caller.call('POST', update, {
      body: { items: [{ id }] },
      headers: { 'content-type': type },
    });
    expect(status).toBe(200);
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/merge-patch+json',
    'application/jsonp',
    'json',
    'application/json, text/plain',
    'application/json; charset=latin1',
    'application/json; charset=utf-16',
    ';',
  ])('rejects %s with 415', async (type) => {
    const { status, body } = await caller.call('POST', update, {
      body: '{"items":[]}',
      headers: { 'content-type': type },
    });
    expect([status, body.error.code]).toEqual([415, 'unsupported_media_type']);
  });

  it('rejects a body without one with 415', async () => {
    const { status } = await caller.call('POST', update, { body: '{"items":[]}', headers: { 'content-type': '' } });
    expect(status).toBe(415);
  });

  it('rejects a compressed body with 415', async () => {
    const { status } = await caller.call('POST', update, { body: '{}', headers: { 'content-encoding': 'gzip' } });
    expect(status).toBe(415);
  });

  it('is checked after authentication', async () => {
    const { status } = await caller.call('POST', update, {
      body: 'x',
      headers: { 'content-type': 'text/plain', 'x-api-key': '' },
    });
    expect(status).toBe(401);
  });
});

describe('a body', () => {
  it.each([
    ['{"items":', 'value expected at byte 9'],
    ['{"items":[1,]}', 'value expected at byte 12'],
    ['[1] 2', 'end of file expected at byte 4'],
    ['\u{feff}{}', 'at byte 0'],
    ['{"items":[{"__proto__":{}}]}', '__proto__'],
    ['{"items":[{"constructor":{"prototype":{}}}]}', 'constructor.prototype'],
    ['['.repeat(33) + ']'.repeat(33), 'deeper than 32'],
  ])('that is not valid JSON gets 400 invalid_json with the reason: %s', async (body, why) => {
    const response = await caller.call('POST', update, { body });
    expect([response.status, response.body.error.code]).toEqual([400, 'invalid_json']);
    expect(response.body.error.message).toContain(why);
  });

  it('that is not UTF-8 gets 400 invalid_json', async () => {
    const { status, body } = await caller.call('POST', update, { body: Buffer.from('{"a":"\xff"}', 'latin1') });
    expect([status, body.error.code]).toEqual([400, 'invalid_json']);
  });

  it('is not repeated in the error', async () => {
    const { text } = await caller.call('POST', update, { body: '{"password": hunter2}' });
    expect(text).not.toContain('hunter');
    expect(text).not.toContain('password');
  });

  it.each(['', 'null', '1', '"items"', '[]', 'true'])(
    'that is not an object gets 400 invalid_request: %s',
    async (body) => {
      const response = await caller.call('POST', update, { body });
      expect([response.status, response.body.error.code]).toEqual([400, 'invalid_request']);
      expect(response.body.error.errors[0].field).toBe('.body');
    },
  );

  it('of exactly the limit is accepted, one byte more gets 413', async () => {
    const fits = JSON.stringify({ items: [] }).padEnd(2000);
    expect((await caller.call('POST', update, { body: fits })).status).toBe(400);
    const { status, body } = await caller.call('POST', update, { body: `${fits} ` });
    expect([status, body.error.code, body.error.details]).toEqual([413, 'payload_too_large', { limit_bytes: 2000 }]);
  });

  it('over the limit gets 413 also without content-length', async () => {
    const response = await fetch(gateway.url + update, {
      method: 'POST',
      headers: { 'x-api-key': caller.credentials.apiKey, 'content-type': 'application/json' },
      body: Readable.toWeb(Readable.from([Buffer.alloc(1500, ' '), Buffer.alloc(1500, ' ')])) as ReadableStream,
      duplex: 'half',
    });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ error: { code: 'payload_too_large' } });
  });

  it('of a rejected request does not affect the next request of the connection', async () => {
    for (const body of ['{', 'x'.repeat(2001), '{}']) await caller.call('POST', update, { body });
    expect((await caller.call('GET', '/health/live')).status).toBe(200);
  });
});
