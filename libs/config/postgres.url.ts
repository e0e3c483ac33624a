import { percentDecode } from './percent.decoding';

/** `prefer` and `allow` of libpq would send the data unencrypted to a server, or an attacker, that rejects encryption. */
const SSL_MODES: ReadonlySet<string> = new Set(['disable', 'require', 'verify-ca', 'verify-full']);
/** Further parameters of a URL that have an effect. */
export const POSTGRES_PARAMETERS: readonly string[] = [
  'host',
  'port',
  'user',
  'password',
  'sslcert',
  'sslkey',
  'application_name',
];
/** With this parameter, `pg` follows libpq in the meaning of `sslmode`. Without it, `require` would mean `verify-full`. */
const LIBPQ_RULES = 'uselibpqcompat';
/** Values of `target_session_attrs`. */
export type SessionAttributes = 'any' | 'read-write';

/** Scheme, user and password, hosts, the rest. A password may contain an `@`. */
const PARTS = /^(postgres(?:ql)?:\/\/)([^/?#]*@)?([^/?#@]*)([^#\s]*)$/;

/**
 * The servers of a connection URL, in its order: a URL for each, in the form that `pg` takes. Follows the syntax of libpq
 * (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING): several hosts are separated by commas, in the
 * place of the host or in the parameter `host`, and each may have a port.
 *
 * @param allowed the accepted values of `target_session_attrs`, whose default is `any`, as in libpq
 * @param environmentSslMode the `sslmode` of a URL without one
 * @returns undefined if the text is not such a URL, or a parameter or its value is not supported
 */
export function postgresServers(
  url: string,
  allowed: readonly SessionAttributes[] = ['any', 'read-write'],
  environmentSslMode = process.env.PGSSLMODE ?? '',
): readonly string[] | undefined {
  const [, scheme = '', credentials = '', authority = '', rest = ''] = PARTS.exec(url) ?? [];
  const [path, query] = splitOnce(rest, '?');
  const parameters = new URLSearchParams(query);
  // `pg` would take any value of PGSSLMODE except `disable` for `verify-full`.
  if (!parameters.has('sslmode') && environmentSslMode !== '') parameters.set('sslmode', environmentSslMode);
  if (scheme === '' || !areSupported(parameters, allowed)) return undefined;

  const hosts = (parameters.get('host') ?? percentDecode(authority))?.split(',') ?? [];
  const ports = parameters.get('port')?.split(',') ?? [];
  if (ports.length > 1 && ports.length !== hosts.length) return undefined;
  for (const name of ['host', 'port', 'target_session_attrs']) parameters.delete(name);
  parameters.set(LIBPQ_RULES, 'true');
  const servers = hosts.map((host, index) => {
    const port = ports[index] ?? ports[0];
    const own = new URLSearchParams(parameters);
    if (host.startsWith('/')) own.set('host', host); // a Unix socket
    if (port !== undefined) own.set('port', port);
    return `${scheme}${credentials}${own.has('host') ? '' : host}${path === '' ? '/' : path}?${own.toString()}`;
  });
  return servers.length > 0 && servers.every((server) => isWellFormed(server)) ? servers : undefined;
}

function areSupported(parameters: URLSearchParams, allowed: readonly string[]): boolean {
  // `pg` ignores the others, even `channel_binding=require`.
  const known = ['sslmode', 'sslrootcert', 'target_session_attrs', ...POSTGRES_PARAMETERS, LIBPQ_RULES];
  if ([...parameters.keys()].some((name) => !known.includes(name))) return false;
  const mode = parameters.get('sslmode') ?? 'disable';
  if (!SSL_MODES.has(mode) || (mode === 'verify-ca' && !parameters.has('sslrootcert'))) return false;
  return allowed.includes(parameters.get('target_session_attrs') ?? 'any');
}

/** `pg` puts a placeholder in the place of an empty host, such as that of a Unix socket. */
function isWellFormed(server: string): boolean {
  return URL.canParse(server.replace('@/', '@localhost/').replace(':///', '://localhost/'));
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
