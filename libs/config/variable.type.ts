import { isIP } from 'node:net';
import { percentDecode } from './percent.decoding';
import { POSTGRES_PARAMETERS, postgresServers } from './postgres.url';
import { parseRedisUrl } from './redis.url';

/** HTTP headers, by name. */
export type HeaderValues = Readonly<Record<string, string>>;

/** The parsed value of a variable. */
export type VariableValue = string | number | HeaderValues;

/** Parses the text of an environment variable. */
export interface VariableType<T> {
  /** The accepted values, as error messages and the reference describe them. */
  readonly allowed: string;
  /** Returns undefined if the text is not accepted. */
  parse(text: string): T | undefined;
}

/** A decimal integer; both bounds are inclusive. Other notations, such as `1e3`, `0x10` and `5s`, are rejected. */
export function integer(min: number, max: number): VariableType<number> {
  return {
    allowed: `integer, ${min} to ${max}`,
    parse(text) {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : undefined;
      return value !== undefined && value >= min && value <= max ? value : undefined;
    },
  };
}

export function oneOf<const T extends string>(...words: readonly T[]): VariableType<T> {
  return {
    allowed: words.map((word) => `\`${word}\``).join(', '),
    parse: (text) => words.find((word) => word === text),
  };
}

export function url(...schemes: readonly string[]): VariableType<string> {
  const protocols = schemes.map((scheme) => `${scheme}:`);
  return {
    allowed: `URL, ${schemes.map((scheme) => `\`${scheme}://\``).join(' or ')}`,
    parse(text) {
      const wellFormed = !/\s/.test(text) && text.includes('://') && URL.canParse(text);
      return wellFormed && protocols.includes(new URL(text).protocol) ? text : undefined;
    },
  };
}

/** The description of a Postgres URL. @param attributes the accepted values of `target_session_attrs` */
function describePostgresUrl(attributes: string): string {
  const others = POSTGRES_PARAMETERS.map((name) => `\`${name}\``).join(', ');
  return (
    'URL, `postgres://` or `postgresql://`, with one or several hosts; `sslmode` (or else `PGSSLMODE`) is `disable`, `require`, ' +
    `\`verify-ca\` (with \`sslrootcert\`) or \`verify-full\`; \`target_session_attrs\` is ${attributes}; of the other parameters of libpq ` +
    `only ${others} are allowed`
  );
}

/** The text of a connection URL in the syntax of libpq, as `postgresServers` takes it. The writable server is used. */
export function postgresUrl(): VariableType<string> {
  return {
    allowed: describePostgresUrl('`read-write` or `any`'),
    parse: (text) => (postgresServers(text) === undefined ? undefined : text),
  };
}

/** Like {@link postgresUrl}, but any of its servers is used, so the URL cannot request a writable one. */
export function postgresReadUrl(): VariableType<string> {
  return {
    allowed: describePostgresUrl('`any` (to read from the writable server, unset this variable)'),
    parse: (text) => (postgresServers(text, ['any']) === undefined ? undefined : text),
  };
}

/** The URL of a Redis server, or of the servers of a cluster or a Sentinel. The value is the text. */
export function redisUrl(): VariableType<string> {
  return {
    allowed: '`redis://user:password@host:port/database` or `rediss://...`, several hosts separated by commas',
    parse: (text) => (parseRedisUrl(text) === undefined ? undefined : text),
  };
}

/** A list of IP addresses and networks in CIDR notation. The value is the text, in the form that Fastify's `trustProxy` takes. */
export function networks(): VariableType<string> {
  return {
    allowed: 'IP addresses and CIDR networks, separated by commas',
    parse: (text) => (text.split(',').every((part) => isNetwork(part.trim())) ? text : undefined),
  };
}

function isNetwork(text: string): boolean {
  const [address = '', prefix, ...more] = text.split('/');
  const version = isIP(address);
  if (version === 0 || address.includes('%') || more.length > 0) return false;
  if (prefix === undefined) return true;
  // A prefix of 0 would match every address.
  return /^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128);
}

export function host(): VariableType<string> {
  return {
    allowed: 'host name or IP address',
    parse: (text) => (/^[\w.:%-]{1,253}$/.test(text) ? text : undefined),
  };
}

/** A decimal fraction from 0 to 1; both bounds are inclusive. */
export function fraction(): VariableType<number> {
  return {
    allowed: 'number, 0 to 1',
    parse: (text) => (/^(0|1|0?\.\d{1,15}|1\.0{1,15})$/.test(text) ? Number(text) : undefined),
  };
}

export function label(): VariableType<string> {
  return {
    allowed: '1 to 128 letters, digits, `_`, `.`, `-`',
    parse: (text) => (/^[\w.-]{1,128}$/.test(text) ? text : undefined),
  };
}

/** Any text, such as a password. */
export function text(): VariableType<string> {
  return {
    allowed: 'text, 1 to 1024 characters',
    parse: (value) => (value.length <= 1_024 ? value : undefined),
  };
}

/** A token of RFC 9110. */
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const HEADER_VALUE = /^[\x20-\x7e]*$/;

/** A list of HTTP headers, in the format of `OTEL_EXPORTER_OTLP_HEADERS`. */
export function headers(): VariableType<HeaderValues> {
  return {
    allowed: '`name=value`, separated by commas, values percent-encoded',
    parse(text) {
      const values: Record<string, string> = {};
      for (const member of text.split(',')) {
        const equals = member.indexOf('=');
        const name = member.slice(0, Math.max(0, equals)).trim();
        const value = percentDecode(member.slice(equals + 1).trim());
        if (!HEADER_NAME.test(name) || value === undefined || !HEADER_VALUE.test(value)) return undefined;
        values[name] = value;
      }
      return values;
    },
  };
}
