// @module-tag openssl
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Certificates, makeCertificates } from '../support/certificates';
import { GatewayProcess } from '../support/gateway.process';
import { PostgresServer } from '../support/postgres.server';

const UP = 'The database has pending migrations: run `npm run migrate`.';

let certificates: Certificates;
let server: PostgresServer;

beforeAll(async () => {
  certificates = makeCertificates('DNS:db.example');
  server = await PostgresServer.create({}, { tls: certificates });
});
afterAll(async () => {
  await server.remove();
  certificates.remove();
});

it.each([
  ['require', false, UP],
  ['require', true, UP],
  ['verify-ca', true, UP],
  ['verify-full', true, 'the certificate of the server is for another host name'],
  ['verify-full', false, 'the CA of the server certificate is not known: set sslrootcert'],
])('sslmode=%s, with a CA: %s, means what libpq means by it', async (mode, withCa, message) => {
  const url = new URL(server.url);
  url.searchParams.set('sslmode', mode);
  if (withCa) url.searchParams.set('sslrootcert', certificates.ca);
  const gateway = GatewayProcess.start({ DATABASE_URL: url.href });
  const response = await fetch(`${(await gateway.listening()).api}/health/ready`);
  const { error } = (await response.json()) as { error: { message: string } }; // never ready: there are no tables
  expect(error.message).toContain(message);
});
