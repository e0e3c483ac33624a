import { DatabaseUnavailable, UnusableServer, codeOf } from './database.errors';

/** By SQLSTATE, and by error code of Node.js: what is wrong, and which setting to correct. */
const REASONS: Readonly<Record<string, string>> = {
  '28P01': 'the server rejected the password: correct it in DATABASE_URL or in the file of PGPASSFILE',
  '28000':
    'the server rejected the user or the kind of connection: check the user of DATABASE_URL, its sslmode (the server may ' +
    'require TLS) and pg_hba.conf of the server',
  '3D000': 'the database does not exist: correct its name in DATABASE_URL, or create it',
  '53300': 'the server has no free connection: lower DATABASE_POOL_SIZE, or raise max_connections',
  '57P03': 'the server is starting, stopping or recovering',
  ECONNREFUSED: 'no server listens at the address of DATABASE_URL',
  ENOTFOUND: 'the host name of DATABASE_URL is unknown',
  EAI_AGAIN: 'the host name of DATABASE_URL could not be resolved',
  ENOENT: 'a file does not exist: the Unix socket, or a file for TLS (sslrootcert, sslcert, sslkey), of DATABASE_URL',
  EHOSTUNREACH: 'the host of DATABASE_URL cannot be reached',
  ENETUNREACH: 'the network of DATABASE_URL cannot be reached',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate of the server is signed by itself: set sslrootcert in DATABASE_URL',
  SELF_SIGNED_CERT_IN_CHAIN: 'the CA of the server certificate is not known: set sslrootcert in DATABASE_URL',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the CA of the server certificate is not known: set sslrootcert in DATABASE_URL',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the CA of the server certificate is not known: set sslrootcert in DATABASE_URL',
  CERT_HAS_EXPIRED: 'the certificate of the server has expired',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'the certificate of the server is for another host name: correct the host of DATABASE_URL, or the certificate',
};

/** Errors of `pg` without a code, by a part of their message. */
const REASONS_BY_MESSAGE: readonly (readonly [RegExp, string])[] = [
  [
    /does not support SSL/,
    'the server does not support TLS: set sslmode=disable in DATABASE_URL, or enable TLS on the server',
  ],
  [
    /password must be a (non-empty )?string/i,
    'the server asks for a password: set it in DATABASE_URL or in the file of PGPASSFILE',
  ],
  [
    /unsupported startup parameter/,
    'a pooler is between the program and the server: set DATABASE_POOLER to its mode, session or transaction',
  ],
  [/timeout/i, 'the server did not respond in time'],
];

/**
 * Why a connection to Postgres failed, in a sentence for operators: it names the setting to correct, and neither user nor
 * address.
 *
 * @param variable the setting that has the URL
 */
export function describeConnectionFailure(error: unknown, variable = 'DATABASE_URL'): string {
  return reasonOf(error).replaceAll('DATABASE_URL', variable);
}

function reasonOf(error: unknown): string {
  if (error instanceof DatabaseUnavailable && error.cause !== undefined) return reasonOf(error.cause);
  if (error instanceof UnusableServer) return error.message;
  const reason = REASONS[codeOf(error) ?? ''];
  if (reason !== undefined) return reason;
  const message = error instanceof Error ? error.message : '';
  return REASONS_BY_MESSAGE.find(([pattern]) => pattern.test(message))?.[1] ?? 'the server does not respond';
}
