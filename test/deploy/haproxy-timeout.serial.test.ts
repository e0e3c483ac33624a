// @module-tag haproxy
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Balancer } from '../support/balancer';
import { rawCall, type RawResponse } from '../support/raw.socket';

let balancer: Balancer;

beforeAll(async () => {
  balancer = await Balancer.start([], (config) => config.replace('wait-for-body time 10s', 'wait-for-body time 100ms'));
});
afterAll(() => balancer.stop());

const send = (body: string): Promise<RawResponse> =>
  rawCall(balancer.url, `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n${body}`);

it("HAProxy responds 408 to a body that does not arrive in time, with the body of the API's errors", async () => {
  const { status, headers, body } = await send('missing');
  const id = headers['x-request-id'];
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  expect({ status, body }).toMatchObject({ status: 408, body: { error: { code: 'invalid_request', request_id: id } } });
});

it('HAProxy accepts a body that arrives in time', async () => {
  expect((await send('complete!')).status).toBe(503); // there is no gateway
});
