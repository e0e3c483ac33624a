import { percentDecode } from './percent.decoding';

/** The parts of `REDIS_URL`. */
interface RedisAddress {
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
  /** At least one. An IPv6 address has no brackets; `port` is undefined for the default one. */
  readonly hosts: readonly { readonly host: string; readonly port: number | undefined }[];
  readonly database: number;
}

/** Like the URL of one server, but with a list of hosts, as in the URLs of libpq. */
const REDIS_URL = /^(rediss?):\/\/(?:([^/?#\s]*)@)?([^@/?#\s]+)(?:\/(\d{1,4})?)?$/;
const HOST = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/i;

/** Returns undefined if the text is not a URL of Redis. */
export function parseRedisUrl(text: string): RedisAddress | undefined {
  const [, scheme, user = '', list = '', database = '0'] = REDIS_URL.exec(text) ?? [];
  const hosts = list.split(',').map(parseHost);
  const [username, password] = [user.split(':', 1).join(''), user.split(':').slice(1).join(':')].map(percentDecode);
  if (scheme === undefined || username === undefined || password === undefined) return undefined;
  if (!hosts.every((host) => host !== undefined)) return undefined;
  return {
    tls: scheme === 'rediss',
    ...(username !== '' && { username }),
    ...(password !== '' && { password }),
    hosts,
    database: Number(database),
  };
}

function parseHost(text: string): RedisAddress['hosts'][number] | undefined {
  const [, bracketed, plain, digits] = HOST.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = digits === undefined ? undefined : Number(digits);
  if (host === undefined || (port !== undefined && (port === 0 || port > 65_535))) return undefined;
  return { host, port };
}
