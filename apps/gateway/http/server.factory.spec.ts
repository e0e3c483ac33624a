import { readSettings } from '#libs/config';
import { describe, expect, it } from 'vitest';
import { createHttpServer } from './server.factory';

/** The client address and protocol that the gateway derives from a connection and its headers. */
async function clientOf(
  remoteAddress: string,
  headers: Record<string, string>,
  trusted = '10.0.0.0/8, 2001:db8::/32',
): Promise<{ ip: string; protocol: string }> {
  const { fastify } = createHttpServer(readSettings({ DATABASE_URL: 'postgres://db/x', TRUSTED_PROXIES: trusted }));
  fastify.get('/', ({ ip, protocol }) => ({ ip, protocol }));
  const response = await fastify.inject({ url: '/', remoteAddress, headers });
  return response.json();
}

const forwarded = { 'x-forwarded-for': '203.0.113.7', 'x-forwarded-proto': 'https' };

describe('the address of the client', () => {
  it('is taken from X-Forwarded-For of a trusted proxy', async () => {
    expect(await clientOf('10.1.2.3', forwarded)).toEqual({ ip: '203.0.113.7', protocol: 'https' });
    expect(await clientOf('2001:db8::5', forwarded)).toEqual({ ip: '203.0.113.7', protocol: 'https' });
    // The form of an IPv4 address on a dual-stack socket.
    expect(await clientOf('::ffff:10.1.2.3', forwarded)).toEqual({ ip: '203.0.113.7', protocol: 'https' });
  });

  it.each(['11.1.2.3', '2001:db9::5', '203.0.113.7'])(
    'is that of the connection if the proxy is not trusted: %s',
    async (address) => {
      expect(await clientOf(address, forwarded)).toEqual({ ip: address, protocol: 'http' });
    },
  );

  it('is that of the connection if no proxy is trusted', async () => {
    expect(await clientOf('10.1.2.3', forwarded, '')).toEqual({ ip: '10.1.2.3', protocol: 'http' });
  });

  it('is the last address in X-Forwarded-For that is not a trusted proxy', async () => {
    const chain = { 'x-forwarded-for': '1.1.1.1, 203.0.113.7, 10.9.9.9' };
    expect(await clientOf('10.1.2.3', chain)).toMatchObject({ ip: '203.0.113.7' });
  });
});

it('has at most MAX_CONNECTIONS connections', () => {
  const { fastify } = createHttpServer(readSettings({ DATABASE_URL: 'postgres://db/x', MAX_CONNECTIONS: '7' }));
  expect(fastify.server.maxConnections).toBe(7);
});
