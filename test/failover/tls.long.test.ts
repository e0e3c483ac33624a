// @module-tag openssl
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Certificates, createCertificates } from '../support/certificates';
import { GatewayProcess } from '../support/gateway.process';
import { PostgresServer } from '../support/postgres.server';

/** The message of a gateway that has connected: the database has no tables. */
const CONNECTED = 'The database has pending migrations: run `npm run migrate`.';

let certificates: Certificates;
/** Of another CA, and for the address that the tests connect to. */
let foreign: Certificates;
let server: PostgresServer;

beforeAll(async () => {
  certificates = createCertificates('DNS:db.example');
  foreign = createCertificates();
  server = await PostgresServer.create({}, { tls: certificates });
});
afterAll(async () => {
  await server.remove();
  certificates.remove();
  foreign.remove();
});

/** The message of readiness for a server. The gateway is never ready, because there are no tables. */
async function messageOf(
  database: PostgresServer,
  mode: string | undefined,
  ca?: string,
  environment: Record<string, string> = {},
): Promise<string> {
  const url = new URL(database.url);
  if (mode !== undefined) url.searchParams.set('sslmode', mode);
  if (ca !== undefined) url.searchParams.set('sslrootcert', ca);
  const gateway = GatewayProcess.start({ DATABASE_URL: url.href, ...environment });
  const response = await fetch(`${(await gateway.listening()).api}/health/ready`);
  const { error } = (await response.json()) as { error: { message: string } }; // as documented
  return error.message;
}

it.each([
  ['require', false, CONNECTED],
  ['require', true, CONNECTED],
  ['verify-ca', true, CONNECTED],
  ['verify-full', true, 'the certificate of the server is for another host name'],
  ['verify-full', false, 'the CA of the server certificate is not known: set sslrootcert'],
])('sslmode=%s, with a CA: %s, means what libpq means by it', async (mode, withCa, message) => {
  expect(await messageOf(server, mode, withCa ? certificates.ca : undefined)).toContain(message);
});

it.each(['require', 'verify-ca', 'verify-full'])(
  'sslmode=%s rejects a certificate that the CA of sslrootcert has not signed',
  async (mode) => {
    expect(await messageOf(server, mode, foreign.ca)).toContain('certificate');
  },
);

it('sslmode=verify-full accepts a certificate of the CA for the host', async () => {
  const named = await PostgresServer.create({}, { tls: foreign });
  expect(await messageOf(named, 'verify-full', foreign.ca)).toContain(CONNECTED);
  await named.remove();
});

it.each([
  ['require', undefined, CONNECTED],
  ['verify-ca', undefined, CONNECTED],
  ['verify-full', undefined, 'the certificate of the server is for another host name'],
  ['verify-full', 'verify-ca', CONNECTED],
  ['disable', 'verify-full', 'the certificate of the server is for another host name'],
])('PGSSLMODE=%s applies unless the URL has sslmode (here: %s)', async (environmentMode, mode, message) => {
  expect(await messageOf(server, mode, certificates.ca, { PGSSLMODE: environmentMode })).toContain(message);
});

it('PGSSLMODE=verify-ca rejects a certificate that the CA of sslrootcert has not signed', async () => {
  const message = await messageOf(server, undefined, foreign.ca, { PGSSLMODE: 'verify-ca' });
  expect(message).toContain('the CA of the server certificate is not known');
});
