/** `String(double)` has at most this many significant digits. */
const MAX_SIGNIFICANT_DIGITS = 17;
const NUMBER = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** A decimal number as sign, digits and exponent: `digits` × 10^`exponent`, without zeros at either end; zero has no digits. */
interface Decimal {
  readonly negative: boolean;
  readonly digits: string;
  readonly exponent: number;
}

/**
 * Whether a JSON number keeps its decimal value when it is read as a double and written again. `0.1` does;
 * `0.1234567890123456789` and `1e-400` do not. The time is proportional to the token's length and independent of the exponent.
 *
 * @returns undefined if the token is not a JSON number
 */
export function isExactNumber(token: string): boolean | undefined {
  const number = Number(token);
  const written = String(number);
  if (written === token && Number.isFinite(number)) return true; // the common case: the token is as JSON.stringify writes it
  const sent = decimalOf(token);
  if (sent === undefined) return undefined;
  if (sent.digits.length > MAX_SIGNIFICANT_DIGITS) return false;
  const read = decimalOf(written);
  if (read === undefined) return false; // Infinity
  if (sent.digits === '' && read.digits === '') return true;
  return sent.negative === read.negative && sent.digits === read.digits && sent.exponent === read.exponent;
}

function decimalOf(token: string): Decimal | undefined {
  const match = NUMBER.exec(token);
  if (match === null) return undefined;
  const [, sign, integer = '', fraction = '', exponent = '0'] = match;
  const all = integer + fraction;
  const end = lastNonZero(all) + 1;
  const digits = all.slice(firstNonZero(all), end);
  // An exponent beyond 2^53 is rounded, but it is beyond the range of a double in any case.
  return { negative: sign === '-', digits, exponent: Number(exponent) - fraction.length + (all.length - end) };
}

function firstNonZero(digits: string): number {
  let at = 0;
  while (digits.charCodeAt(at) === 0x30) at += 1;
  return at;
}

function lastNonZero(digits: string): number {
  let at = digits.length - 1;
  while (digits.charCodeAt(at) === 0x30) at -= 1;
  return at;
}
