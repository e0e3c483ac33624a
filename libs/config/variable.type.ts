import { isIP } from 'node:net';
import { headersOf } from './header.list';

/** How the text of one environment variable becomes a value. */
export interface VariableType<T> {
  /** What is allowed, as the operator reads it in an error and in the reference. */
  readonly allowed: string;
  /** The value, or undefined where the text is not allowed. */
  parse(text: string): T | undefined;
}

/** Decimal digits only, so that `1e3`, `0x10`, ` 5` and `5s` are refused instead of guessed at. Both bounds are inclusive. */
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

/** A list of IP addresses and networks in CIDR notation. The value is the text: whoever needs the list reads it again. */
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
  // A prefix of 0 would be everybody, which is no list.
  return /^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128);
}

export function host(): VariableType<string> {
  return {
    allowed: 'host name or IP address',
    parse: (text) => (/^[\w.:%-]{1,253}$/.test(text) ? text : undefined),
  };
}

/** A decimal share of a whole, both ends inclusive. */
export function share(): VariableType<number> {
  return {
    allowed: 'number, 0 to 1',
    parse: (text) => (/^(0|1|0?\.\d{1,15}|1\.0{1,15})$/.test(text) ? Number(text) : undefined),
  };
}

/** The value is the text: `headersOf` reads it. */
export function headers(): VariableType<string> {
  return {
    allowed: '`name=value`, separated by commas, values percent-encoded',
    parse: (text) => (headersOf(text) === undefined ? undefined : text),
  };
}

export function label(): VariableType<string> {
  return {
    allowed: '1 to 128 letters, digits, `_`, `.`, `-`',
    parse: (text) => (/^[\w.-]{1,128}$/.test(text) ? text : undefined),
  };
}
