import { readSettings } from '#libs/config';
import { describe, expect, it } from 'vitest';
import { createHttpServer } from './server.factory';

/** What the gateway takes a caller for that comes from an address with these headers. */
async function seenAs(
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

describe('who calls', () => {
  it('is what a trusted balancer says', async () => {
    expect(await seenAs('10.1.2.3', forwarded)).toEqual({ ip: '203.0.113.7', protocol: 'https' });
    expect(await seenAs('2001:db8::5', forwarded)).toEqual({ ip: '203.0.113.7', protocol: 'https' });
    // As a socket that listens on both families has it.
    expect(await seenAs('::ffff:10.1.2.3', forwarded)).toEqual({ ip: '203.0.113.7', protocol: 'https' });
  });

  it.each(['11.1.2.3', '2001:db9::5', '203.0.113.7'])('is who it is, whatever it says: %s', async (address) => {
    expect(await seenAs(address, forwarded)).toEqual({ ip: address, protocol: 'http' });
  });

  it('is who it is where nobody is trusted', async () => {
    expect(await seenAs('10.1.2.3', forwarded, '')).toEqual({ ip: '10.1.2.3', protocol: 'http' });
  });

  it('is the last address that no trusted balancer vouches for', async () => {
    const chain = { 'x-forwarded-for': '1.1.1.1, 203.0.113.7, 10.9.9.9' };
    expect(await seenAs('10.1.2.3', chain)).toMatchObject({ ip: '203.0.113.7' });
  });
});
