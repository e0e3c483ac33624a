import { describe, expect, it } from 'vitest';
import { useGateway } from '../support/gateway.hooks';

const api = useGateway();

/** Larger than the parts in which a response is sent. Its characters have one to four bytes. */
const TEXT = 'A text é€😀'.repeat(15_000);

describe('a response that is sent in parts', () => {
  it('has the bytes and the length of the whole', async () => {
    const { caller } = api;
    const id = await caller.create({ default: { name: 'Acme' }, extended: { text: TEXT } });
    const url = api.gateway.url + caller.path(`organization/${id}`);
    const headers = { 'x-api-key': caller.credentials.apiKey };

    const response = await fetch(url, { headers });
    const body = Buffer.from(await response.arrayBuffer());
    expect(body.length).toBeGreaterThan(240_000);
    expect(response.headers.get('content-length')).toBe(String(body.length));
    expect(JSON.parse(body.toString())).toMatchObject({ extended: { text: TEXT } });

    const head = await fetch(url, { method: 'HEAD', headers });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(body.length)]);
    expect(await head.text()).toBe('');
  });
});
