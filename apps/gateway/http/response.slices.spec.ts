import { fastify, type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { registerSlicedResponses } from './response.slices';

/** Of characters with two bytes each, and longer than a slice. */
const TEXT = 'é'.repeat(300_000);

let server: FastifyInstance;
let url: string;

beforeEach(async () => {
  server = fastify();
  server.get('/large', (_request, reply) => reply.type('text/plain').send(TEXT));
  server.get('/small', () => 'small');
  registerSlicedResponses(server);
  url = await server.listen({ port: 0, host: '127.0.0.1' });
});

afterEach(() => server.close());

describe('a large response', () => {
  it('arrives whole, with its length', async () => {
    const response = await fetch(`${url}/large`);
    expect(response.headers.get('content-length')).toBe(String(Buffer.byteLength(TEXT)));
    expect(await response.text()).toBe(TEXT);
  });

  it('leaves room for other requests while it is sent', async () => {
    const large = await fetch(`${url}/large`);
    expect(await (await fetch(`${url}/small`)).text()).toBe('small');
    expect(await large.text()).toHaveLength(TEXT.length);
  });

  it('has no body for HEAD, and the same length', async () => {
    const response = await fetch(`${url}/large`, { method: 'HEAD' });
    expect(response.headers.get('content-length')).toBe(String(Buffer.byteLength(TEXT)));
    expect(await response.text()).toBe('');
  });
});
